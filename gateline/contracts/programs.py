"""The one way to run a program to its end: what it is given, how long it may take, and what it said."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateline.settings.errors import OutsideError

SILENT = "it says nothing"


class TooSlow(OutsideError):
    """A program took longer than it may."""


@dataclass(frozen=True)
class Ran:
    """How a program ended, and what it said."""

    code: int
    output: str
    errors: str

    def said(self) -> list[str]:
        """Return what it says of itself, line by line: its errors, or its output where there are none."""
        text = self.errors if self.errors.strip() else self.output
        return [line.rstrip() for line in text.splitlines() if line.strip()] or [SILENT]

    def tail(self, count: int) -> str:
        """Return the last of these lines, indented, each on its own."""
        return "\n".join(f"  {line}" for line in self.said()[-count:])


def run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    folder: Path | None = None,
    seconds: float | None = None,
    given: str = "",
    errors: str = "replace",
) -> Ran:
    """Run a program with these variables and no others, and `given` as its input; what it says is read as UTF-8.

    Raises TooSlow after `seconds`, OSError where it cannot be started.
    """
    try:
        done = subprocess.run(
            argv, cwd=folder, env=dict(environ), input=given, timeout=seconds,
            capture_output=True, encoding="utf-8", errors=errors, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TooSlow(f"{Path(argv[0]).name} did not end within {seconds:.0f} s", "run it again") from None
    return Ran(done.returncode, done.stdout, done.stderr)
