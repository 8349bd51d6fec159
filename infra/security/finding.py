"""What a scanner brings back: findings, how much it looked at, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gateline.settings.shown import one_line

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
