"""Which commit the work tree stands at, and the version name made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.git import ask

NONE = "nogit"


@dataclass(frozen=True)
class Commit:
    """`sha` is empty without git; `dirty` says whether a tracked file differs from it."""

    sha: str = ""
    dirty: bool = False

    def version(self, now: datetime | None = None) -> str:
        """Return `YYYYMMDD-<7 of the sha>`, `YYYYMMDD-nogit` without git; `-dirty` follows where the tree is."""
        day = (now or datetime.now(UTC)).strftime("%Y%m%d")
        return f"{day}-{self.sha[:7] or NONE}" + ("-dirty" if self.dirty else "")


def commit_of(folder: Path) -> Commit:
    """Return the commit of a folder's work tree; an empty one where there is no git or no commit."""
    sha = ask(folder, "rev-parse", "--verify", "HEAD") or ""
    return Commit(sha, bool(ask(folder, "status", "--porcelain", "--untracked-files=no"))) if sha else Commit()
