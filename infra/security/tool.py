"""Run another program's scanner and take its output."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from gateline.contracts import programs
from gateline.settings import passing
from infra.security.finding import ScannerFailed

SECONDS = 120.0
"""No scanner may hold the pipeline longer than this, on a machine however busy."""


def run(
    argv: Sequence[str], cwd: Path, good: tuple[int, ...] = (0, 1), output: str = "", seconds: float | None = None
) -> str:
    """Return the standard output of a tool of this environment, or of one on PATH.

    Raises ScannerFailed where the tool is missing or too slow, ends with another exit code than a `good` one, or where
    its output does not begin with `output`: some tools end with 1 both for a finding and for a failure.
    """
    name, limit = argv[0], SECONDS if seconds is None else seconds
    ours = Path(sys.executable).parent / name
    path = str(ours) if ours.is_file() else shutil.which(name)
    if path is None:
        raise ScannerFailed(f"{name} is not installed here")
    try:
        done = programs.run([path, *argv[1:]], passing.variables("security"), folder=cwd, seconds=limit)
    except programs.TooSlow:
        raise ScannerFailed(f"{name} gave no answer within {limit:.0f} s") from None
    if done.code not in good or not done.output.startswith(output):
        lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
        # Tools that print a stack end with something else than the error.
        errors = [line for line in lines if "error" in line.lower() or line.startswith("fatal")]
        telling = textwrap.shorten((errors or lines or ["without a word"])[-1], 160, placeholder="…")
        raise ScannerFailed(f"{name} could not scan (exit {done.code}): {telling}")
    return done.output
