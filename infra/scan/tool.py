"""Run another program's scanner and take its output."""

from __future__ import annotations

import shutil
import subprocess  # nosec B404
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.scan.finding import ScannerFailed

SECONDS = 25.0
"""No scanner may hold the line longer than this."""


def run(argv: Sequence[str], cwd: Path, good: tuple[int, ...] = (0, 1), seconds: float = SECONDS) -> str:
    """Return a tool's standard output. Raises ScannerFailed where it is missing, too slow, or ends with another exit code."""
    command = [find(argv[0]), *argv[1:]]
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)  # nosec B603
    except subprocess.TimeoutExpired:
        raise ScannerFailed(f"{argv[0]} gave no answer within {seconds:.0f} s") from None
    if done.returncode not in good:
        raise ScannerFailed(f"{argv[0]} ended with {done.returncode}: {_last_line(done.stderr)}")
    return done.stdout


def find(name: str) -> str:
    """Return the path of a tool of this environment, or of one on PATH. Raises ScannerFailed."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.is_file() else shutil.which(name)
    if path is None:
        raise ScannerFailed(f"{name} is not installed here")
    return path


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "without a word"
