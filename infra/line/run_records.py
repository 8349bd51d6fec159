"""Record how a stage ended, for the pages. A session calls it as a module, a task as a context.

A stage that gives a verdict leaves it itself, with the verdict.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.last_run import ENDINGS, STARTED, Started, last_runs
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

        def listening() -> int:
            try:
                return call()
            except GatelineError as error:
                self.reason = first_line(error)
                raise

        self.code = front_door(listening)


def note(started: Started, code: int, reason: str = "") -> None:
    """Write how a stage ended, and the page of the pipeline again, unless the stage has done so. Raises OSError."""
    from gateline.report import refresh

    try:
        left_verdict = (REPORTS / started.stage / "verdict.json").stat().st_mtime >= started.since
    except OSError:
        left_verdict = False
    run = started.ended(code, reason, left_verdict=left_verdict)
    known = last_runs(REPORTS).get(run.key)
    if known is None or (known.started, known.ending) != (run.started, ENDINGS.get(code)):
        refresh(REPORTS, run)


@contextmanager
def noted(stage: str, environment: str = "") -> Iterator[End]:
    """Note how what runs inside ends; nothing without a stage. A usage error is no run: nothing was done.

    Where it cannot be written, that is said, and the stage ends as it would.
    """
    started, end = Started(stage=stage, environment=environment, command=("invoke", *sys.argv[1:]), since=time.time()), End()
    if stage:
        os.environ[STARTED] = started.model_dump_json()
    try:
        yield end
    finally:
        os.environ.pop(STARTED, None)
        if stage and end.code != ExitCode.USAGE:
            try:
                note(started, end.code, end.reason)
            except OSError as error:
                tell(f"how {stage} ended is not in {REPORTS}: {error.strerror}", error=True)


def main() -> int:
    """Note a session that has just ended."""
    parser = argparse.ArgumentParser(prog="python -m infra.line.run_records", description=__doc__)
    parser.add_argument("stage", help="the session's name")
    parser.add_argument("code", type=int, help="the exit code it ended with")
    parser.add_argument("started", type=float, help="when it began, in seconds since 1970")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command as it was typed")
    given = parser.parse_args()
    named = [part.removeprefix("--env=") for part in given.command if part.startswith("--env=")]
    environment = (named or [PRODUCTION])[-1] if given.stage == "drift" else ""  # the one session that works on one
    note(Started(stage=given.stage, environment=environment, command=given.command, since=given.started), given.code)
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
