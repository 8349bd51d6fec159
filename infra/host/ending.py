"""Ends: of a process that was started here, whatever it does about it, and of our own, with everything put in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a CI server that cancels a job, a terminal that was closed or an ssh session that was lost."""
PATIENCE_SECONDS = 30.0
"""How long what was interrupted may put things in order before another signal breaks it off."""
WAIT = b"interrupted already: things are being put in order, which another signal would leave half-done\n"


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
def interrupted_once() -> Iterator[None]:
    """Let each of `ENDING` interrupt what runs inside as Ctrl-C does, and all of them together once.

    People press Ctrl-C twice. The first raises KeyboardInterrupt; the others are swallowed while what it interrupted puts
    things in order, for at most `PATIENCE_SECONDS`. A signal that this process was started to ignore (nohup) stays ignored.
    """
    before = {number: signal.getsignal(number) for number in ENDING}
    heard: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if heard and time.monotonic() - heard[-1] < PATIENCE_SECONDS:
            os.write(2, WAIT)
            return
        heard.append(time.monotonic())
        raise KeyboardInterrupt

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
