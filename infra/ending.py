"""Ends: of a process that was started here, whatever it does about it, and of our own, with everything put in order."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def end(process: subprocess.Popen[bytes], seconds: float, *, asked: bool = False) -> int:
    """Ask a process to stop (unless it was `asked` already), kill it after `seconds`, and return its exit code."""
    if not asked:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM interrupt what runs inside as Ctrl-C does: a CI server that cancels a job leaves nothing half-done."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
