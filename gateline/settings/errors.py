"""The one error base: what went wrong, the next step, and the exit code it ends a command with."""

import difflib
import os
import sys
import textwrap
import traceback
from collections.abc import Iterable
from enum import IntEnum

from gateline.settings.shown import shown


class ExitCode(IntEnum):
    """Exit codes of every `python -m <package>` and task body."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    OUTSIDE = 4


class GatelineError(Exception):
    """A failure that has a cause a user can act on; caught once, at the front door."""

    exit_code = ExitCode.OUTSIDE

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.next_step}" if self.next_step else self.message


class UsageError(GatelineError):
    """Bad settings, arguments or input files: nothing was started."""

    exit_code = ExitCode.USAGE


class GateRefused(GatelineError):
    """A gate said no, or an action was refused because of one, by the `rule` that its message begins with."""

    exit_code = ExitCode.FAIL

    def __init__(self, reason: str, next_step: str = "", *, rule: str = "") -> None:
        super().__init__(f"{rule}: {reason}" if rule else reason, next_step)
        self.reason, self.rule = reason, rule


class Inconclusive(GatelineError):
    """A gate could not know; the pipeline is held."""

    exit_code = ExitCode.INCONCLUSIVE


class OutsideError(GatelineError):
    """Something outside Gateline failed: disk, network, port, another program."""

    exit_code = ExitCode.OUTSIDE


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{shown(near[0])}'?" if near else ""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its type where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__


MOST_TOLD = 400
"""Characters of another program's error that are shown: some carry a stack trace of their own."""
READ_ONLY = "let the model work on a copy of the rows it is given (X = X.copy()): they are the next model's rows too"


def explain(error: BaseException) -> str:
    """Return what an error of the copy's own code says, in one line, with the deepest line of `model/` that led there."""
    said, place = textwrap.shorten(str(error), MOST_TOLD, placeholder=" …"), place_in_model(error)
    return f"{type(error).__name__}: {said}" + (f" ({place})" if place else "")


def next_step_of(error: BaseException, otherwise: str) -> str:
    """Return what to do about an error of the copy's own code; `otherwise` where nothing is known of its kind."""
    if isinstance(error, ValueError) and "read-only" in str(error):
        return READ_ONLY
    place = place_in_model(error)
    if not place:
        return otherwise
    fix = f"correct {place.partition(',')[0]}, and train again"
    return fix if otherwise.startswith("correct ") else f"{fix}; or {otherwise}"


def place_in_model(error: BaseException) -> str:
    """Return the deepest line of `model/` that led to an error, as `model/hooks.py, line 9`; nothing where none did.

    A file that cannot be compiled stands in no frame of the traceback, but in the error itself.
    """
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0))
    folders = [*getattr(sys.modules.get("model"), "__path__", ()), os.path.abspath("model")]
    for name, line in reversed(frames):
        for folder in folders:
            if name.startswith(folder + os.sep):
                return f"model/{os.path.relpath(name, folder)}, line {line}"
    return ""
