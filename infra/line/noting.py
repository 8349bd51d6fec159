"""Leave word of how a stage ended, for the pages. A session calls it as a module, a task as a context."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.git import sources
from gateline.contracts.last_run import ENDINGS, LastRun, leave
from gateline.settings import PRODUCTION
from gateline.settings.errors import ExitCode, GatelineError, first_line
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell

REPORTS = Path("reports")


@dataclass
class End:
    """The exit code of what runs, and why where it was refused; it broke off as long as nobody says otherwise."""

    code: int = int(ExitCode.OUTSIDE)
    reason: str = ""

    def of(self, call: Callable[[], int]) -> None:
        """Run a command as its front door does, and keep how it ended."""
        self.code = front_door(lambda: self._listening(call))

    def _listening(self, call: Callable[[], int]) -> int:
        try:
            return call()
        except GatelineError as error:
            self.reason = first_line(error)
            raise


def note(stage: str, environment: str, command: Sequence[str], started: datetime, code: int, reason: str = "") -> None:
    """Write how a stage ended, and the page of the line anew. Raises OSError."""
    from gateline.report import refresh

    ended, present = datetime.now(UTC), sources()
    run = LastRun(
        stage=stage,
        environment=environment,
        command=" ".join(command),
        ending=ENDINGS.get(code, "error"),
        started=started.isoformat(timespec="milliseconds"),
        ended=ended.isoformat(timespec="milliseconds"),
        seconds=round((ended - started).total_seconds(), 2),
        commit=present.commit,
        sources=present.tree,
        reason=(reason or f"ended with exit code {code}") if code else "",
        left_verdict=_written_since(REPORTS / stage / "verdict.json", started),
    )
    leave(run, REPORTS)
    refresh(REPORTS)


@contextmanager
def noted(stage: str, environment: str = "") -> Iterator[End]:
    """Note how what runs inside ends; nothing without a stage. A usage error is no run: nothing was done.

    Where it cannot be written, that is said, and the stage ends as it would.
    """
    started, end = datetime.now(UTC), End()
    try:
        yield end
    finally:
        if stage and end.code != ExitCode.USAGE:
            try:
                note(stage, environment, ("invoke", *sys.argv[1:]), started, end.code, end.reason)
            except OSError as error:
                tell(f"how {stage} ended is not in {REPORTS}: {error.strerror}", error=True)


def _written_since(verdict: Path, started: datetime) -> bool:
    try:
        return verdict.stat().st_mtime >= started.timestamp()
    except OSError:
        return False


def _environment(stage: str, command: Sequence[str]) -> str:
    """Of the sessions, drift alone works on an environment."""
    named = [part.removeprefix("--env=") for part in command if part.startswith("--env=")]
    return (named or [PRODUCTION])[-1] if stage == "drift" else ""


def main() -> int:
    """Note a session that has just ended."""
    parser = argparse.ArgumentParser(prog="python -m infra.line.noting", description=__doc__)
    parser.add_argument("stage", help="the session's name")
    parser.add_argument("code", type=int, help="the exit code it ended with")
    parser.add_argument("started", type=float, help="when it began, in seconds since 1970")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command as it was typed")
    given = parser.parse_args()
    note(
        given.stage,
        _environment(given.stage, given.command),
        given.command,
        datetime.fromtimestamp(given.started, UTC),
        given.code,
    )
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
