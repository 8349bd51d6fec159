"""What a scanner brings back: findings, how much it looked at, what it could not look at; and all of it as SARIF 2.1.0."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from gateline.contracts.verdict import Outcome, Rule, unknown
from gateline.report.words import plural
from gateline.settings.shown import one_line
from infra.security.subject import Subject

Level = Literal["error", "warning", "note"]
SARIF = Path("reports/security/results.sarif")
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
NOWHERE = "pipeline.toml"
"""Where a finding is shown that is in no file of the tree: code scanning takes no result without a place."""


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
    """Looks at one aspect of a subject; its docstring is what the reference says of the rule."""

    def __call__(self, subject: Subject, /) -> Scan:
        """Return everything that was found. Raises ScannerFailed, or anything else, where it cannot look."""
        ...


def judge(name: str, scan: Scan, required: bool) -> Rule:
    """Return the rule: one blocking finding fails, a gap or an empty scan is inconclusive, anything else passes."""
    blocking = [finding for finding in scan.findings if finding.blocks]
    looked = f"{scan.looked_at} {scan.unit}"
    if not blocking and scan.gaps:
        return unknown(name, "; ".join(scan.gaps), required=required, sample=scan.looked_at)
    if not blocking and scan.looked_at == 0:
        return unknown(name, f"there were no {scan.unit} to look at", required=required, sample=0)
    if blocking:
        first = f"{blocking[0].where}: {blocking[0].message}".removeprefix(": ")
        said = f"{plural(len(blocking), 'finding')} in {looked}, allowed 0; first: {first}"
    else:  # a note fails nothing, but it is in the table of findings: the two say the same
        notes = len(scan.findings)
        found = f"nothing but {'a note' if notes == 1 else f'{notes} notes'} found" if notes else "nothing found"
        said = f"{found} in {looked}"
    return Rule(
        name=name,
        outcome=Outcome.FAIL if blocking else Outcome.PASS,
        required=required,
        observed=float(len(blocking)),
        limit=0.0,
        unit="findings",
        sample=scan.looked_at,
        reason=said,
        next_step="fix each finding; the page and results.sarif list them all" if blocking else "",
    )


def finding_of(tool: str, result: Mapping[str, Any]) -> Finding:
    """Return a result that a tool wrote in SARIF as a finding; only errors and warnings fail a rule."""
    place = result["locations"][0]["physicalLocation"]
    level: Level = "error" if result["level"] in ("error", "warning") else "note"
    path, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
    return Finding(tool, result["ruleId"], result["message"]["text"], path, line, level)


def write_sarif(scans: Collection[Scan], root: Path) -> Path:
    """Write one SARIF file of all scanners below `root` and return its path."""
    target = root / SARIF
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(sarif(scans), indent=1) + "\n", encoding="utf-8")
    return target


def sarif(scans: Collection[Scan]) -> dict[str, Any]:
    """Return the runs that tools wrote themselves, and one run for each other tool.

    A tool that found nothing has a run all the same: that is what closes its earlier alerts.
    """
    own = [run for scan in scans for run in scan.runs]
    written = {run["tool"]["driver"]["name"] for run in own}
    tools = sorted({tool for scan in scans for tool in scan.tools} - written)
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [*(_run(tool, scans) for tool in tools), *own]}


def _run(tool: str, scans: Collection[Scan]) -> dict[str, Any]:
    looked = [scan for scan in scans if tool in scan.tools]
    findings = [finding for scan in looked for finding in scan.findings if finding.tool == tool]
    results = []
    for finding in findings:
        place = {"artifactLocation": {"uri": finding.path or NOWHERE}, "region": {"startLine": max(1, finding.line)}}
        results.append(
            {
                "ruleId": finding.code,
                "level": finding.level,
                "message": {"text": finding.message},
                "locations": [{"physicalLocation": place}],
            }
        )
    return {
        "tool": {"driver": {"name": tool, "rules": [{"id": code} for code in sorted({each.code for each in findings})]}},
        "invocations": [{"executionSuccessful": not any(scan.gaps for scan in looked)}],
        "results": results,
    }
