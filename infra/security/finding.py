"""What a scanner brings back: findings, how much it looked at, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gateline.contracts.verdict import Outcome, Rule, unknown
from gateline.settings.shown import one_line
from infra.security.subject import Subject

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. A note is shown; a warning or an error fails the rule."""

    tool: str
    code: str
    """The tool's own name of the check, such as `B602`."""
    message: str
    path: str = ""
    """Posix path below the project; empty where the finding is in no file of the tree."""
    line: int = 1
    level: Level = "error"

    def __post_init__(self) -> None:
        """What a tool says may hold text of the file that it read: it stays on one line, without links (SARIF has those)."""
        for name in ("code", "message", "path"):
            object.__setattr__(self, name, one_line(getattr(self, name)).replace("](", "] ("))

    @property
    def blocks(self) -> bool:
        """Whether this finding fails its rule."""
        return self.level != "note"

    @property
    def where(self) -> str:
        """`path:line`, or an empty string."""
        return f"{self.path}:{self.line}" if self.path else ""


@dataclass(frozen=True)
class Scan:
    """One scanner's whole answer. Nothing looked at, or a gap, is never a pass."""

    looked_at: int
    unit: str
    """What `looked_at` counts, in the plural."""
    tools: tuple[str, ...]
    """The tools that looked, whether or not they found something."""
    findings: tuple[Finding, ...] = ()
    gaps: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    notes: tuple[str, ...] = ()
    runs: tuple[dict[str, Any], ...] = ()
    """SARIF runs as the tools wrote them; the findings of those tools stand in them already."""


class ScannerFailed(Exception):
    """A scanner is missing, crashed or did not answer: its rule cannot judge."""


class Scanner(Protocol):
    """Looks at one aspect of a subject. Raises ScannerFailed, or anything else, where it cannot."""

    def __call__(self, subject: Subject, /) -> Scan:
        """Return everything that was found."""
        ...


def judge(name: str, scan: Scan, required: bool) -> Rule:
    """Return the rule: one blocking finding fails, a gap or an empty scan is inconclusive, anything else passes."""
    blocking = [finding for finding in scan.findings if finding.blocks]
    if blocking:
        return Rule(
            name=name,
            outcome=Outcome.FAIL,
            required=required,
            observed=float(len(blocking)),
            limit=0.0,
            unit="findings",
            sample=scan.looked_at,
            reason=f"{_plural(len(blocking))} in {scan.looked_at} {scan.unit}, allowed 0; first: {_told(blocking[0])}",
            next_step="mend each finding; the page and results.sarif list them all",
        )
    if scan.gaps:
        return unknown(name, "; ".join(scan.gaps), required=required, sample=scan.looked_at)
    if scan.looked_at == 0:
        return unknown(name, f"there were no {scan.unit} to look at", required=required, sample=0)
    return Rule(
        name=name,
        outcome=Outcome.PASS,
        required=required,
        observed=0.0,
        limit=0.0,
        unit="findings",
        sample=scan.looked_at,
        reason=f"{_nothing(scan)} in {scan.looked_at} {scan.unit}",
    )


def _nothing(scan: Scan) -> str:
    """A note fails nothing, but it is in the table of findings: the two say the same."""
    count = len(scan.findings)
    return f"nothing but {'a note' if count == 1 else f'{count} notes'} found" if count else "nothing found"


def _plural(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _told(finding: Finding) -> str:
    return f"{finding.where}: {finding.message}" if finding.where else finding.message
