"""Run another program's scanner and take its output."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from gateline.contracts import programs
from gateline.settings import passing
from infra.security.finding import ScannerFailed

SECONDS = 120.0
"""No scanner may hold the line longer than this, on a machine however busy."""


def run(
    argv: Sequence[str], cwd: Path, good: tuple[int, ...] = (0, 1), output: str = "", seconds: float | None = None
) -> str:
    """Return a tool's standard output.

    Raises ScannerFailed where the tool is missing or too slow, ends with another exit code than a `good` one, or where
    its output does not begin with `output`: some tools end with 1 both for a finding and for a failure.
    """
    command = [find(argv[0]), *argv[1:]]
    limit = SECONDS if seconds is None else seconds
    try:
        done = programs.run(command, passing.variables("security"), folder=cwd, seconds=limit)
    except programs.TooSlow:
        raise ScannerFailed(f"{argv[0]} gave no answer within {limit:.0f} s") from None
    if done.code not in good or not done.output.startswith(output):
        raise ScannerFailed(f"{argv[0]} could not scan (exit {done.code}): {_telling_line(done.errors)}")
    return done.output


def find(name: str) -> str:
    """Return the path of a tool of this environment, or of one on PATH. Raises ScannerFailed."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.is_file() else shutil.which(name)
    if path is None:
        raise ScannerFailed(f"{name} is not installed here")
    return path


def _telling_line(text: str) -> str:
    """The last line that speaks of an error; tools that print a stack end with something else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or line.startswith("fatal")]
    return textwrap.shorten((errors or lines or ["without a word"])[-1], 160, placeholder="…")
