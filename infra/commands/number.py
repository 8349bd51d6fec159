"""Numbers of invoke's command line."""

from __future__ import annotations

import math
from typing import NoReturn, Self

from gateline.settings.errors import ExitCode, UsageError
from gateline.settings.shown import tell_message


class Number(float):
    """A finite number, not negative; anything else ends the command with 2 and a sentence: invoke would show a traceback."""

    def __new__(cls, given: str | float) -> Self:
        """Read what was given. Raises SystemExit."""
        try:
            number = super().__new__(cls, given)
        except ValueError:
            _refuse(f"'{given}' is no number")
        if not math.isfinite(number) or number < 0:
            _refuse(f"{given} is no number from 0 up")
        return number


def _refuse(what: str) -> NoReturn:
    error = UsageError(what, "give a number like 30 or 0.5; the task's --help says what it counts")
    tell_message(f"error: {error}")
    raise SystemExit(ExitCode.USAGE)


NOT_GIVEN = Number(0.0)
MINUTE = Number(60.0)
