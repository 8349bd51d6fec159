"""How a stage ended when it was run last: the word that a command leaves for the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.contracts.files import place
from gateline.settings.secrets import redacted

FOLDER = "runs"
"""Where the runs lie below the reports."""
Ending = Literal["pass", "fail", "inconclusive", "error"]
ENDINGS: dict[int, Ending] = {0: "pass", 1: "fail", 3: "inconclusive"}
"""By exit code; with any other the stage broke off before it could judge."""


class LastRun(BaseModel):
    """One run of one stage. Times are ISO 8601 in UTC; `sources` is git's digest of the tree it was run on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    environment: str = ""
    command: str = ""
    ending: Ending
    started: str
    ended: str
    seconds: float | None = None
    commit: str = ""
    sources: str = ""
    left_verdict: bool = False
    """Whether it wrote the stage's verdict; one that broke off before leaves an older verdict where it was."""
    release: str = ""
    """Digest of the release it was about, as the audit log knows it."""
    by: str = ""
    """Who ran it, as the audit log knows it."""
    reason: str = ""

    @property
    def key(self) -> str:
        """`deploy-staging`, `lint`: stage and environment."""
        return "-".join(filter(None, (self.stage, self.environment)))


def leave(run: LastRun, reports: Path) -> Path:
    """Write a run in place of the one before, and return the file's path. Raises OSError."""
    path = reports / FOLDER / f"{run.key}.json"
    run = run.model_copy(update={"command": redacted(run.command), "reason": redacted(run.reason)})
    place({path: run.model_dump_json(indent=1) + "\n"})
    return path


def last_runs(reports: Path) -> dict[str, LastRun]:
    """Return the last run of every stage by its key; a file that is no run is none."""
    found = (_read(path) for path in sorted((reports / FOLDER).glob("*.json")))
    return {run.key: run for run in found if run is not None}


def _read(path: Path) -> LastRun | None:
    try:
        return LastRun.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
