"""How a stage ended when it was run last: the word that a command leaves for the pages."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.contracts.files import place
from gateline.settings.secrets import redacted

FOLDER = "runs"
"""Where the runs are, below the reports."""
Ending = Literal["pass", "fail", "inconclusive", "error"]
ENDINGS: dict[int, Ending] = {0: "pass", 1: "fail", 3: "inconclusive"}
"""By exit code; with any other the stage broke off before it could judge."""
STARTED = "GATELINE_RUN"
"""The variable that holds what a stage was started as: its process leaves word together with its verdict."""


class Started(BaseModel):
    """A stage that runs: its name, its environment, the command as it was typed, and since when (seconds since 1970)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    environment: str = ""
    command: Sequence[str]
    since: float

    @classmethod
    def of_this_process(cls) -> Started | None:
        """Return what this process was started as; None where it runs for nobody who asks for word."""
        return cls(**json.loads(os.environ[STARTED])) if os.environ.get(STARTED) else None

    def ended(self, code: int, reason: str = "", *, left_verdict: bool = False) -> LastRun:
        """Return the run that ends now with an exit code."""
        started, now = datetime.fromtimestamp(self.since, UTC), datetime.now(UTC)
        return LastRun(
            stage=self.stage,
            environment=self.environment,
            command=" ".join(self.command),
            ending=ENDINGS.get(code, "error"),
            started=started.isoformat(timespec="milliseconds"),
            ended=now.isoformat(timespec="milliseconds"),
            seconds=round((now - started).total_seconds(), 2),
            reason=(reason or f"ended with exit code {code}") if code else "",
            left_verdict=left_verdict,
        )


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
    found = dict[str, LastRun]()
    for path in sorted((reports / FOLDER).glob("*.json")):
        with suppress(OSError, ValidationError):
            run = LastRun.model_validate_json(path.read_bytes())
            found[run.key] = run
    return found
