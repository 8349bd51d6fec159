"""End a process that was started here, whatever it does about it."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[bytes], seconds: float, *, asked: bool = False) -> int:
    """Ask a process to stop (unless it was `asked` already), kill it after `seconds`, and return its exit code."""
    if not asked:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
