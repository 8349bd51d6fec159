"""Whether the supervisor is at work: it stamps a file many times a second, and one that hangs does not.

The stamp is the file's time of change, so that a full disk has room for it. It holds the kernel's count of nanoseconds since
the machine was started, which no clock moves.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from infra.engines.readiness import wait_until

BEAT_SECONDS = 0.2
FRESH_SECONDS = 2.0
"""A stamp of that age needs no second look. Some file systems keep times to whole seconds."""


class Pulse:
    """The pulse of one supervisor, as it gives it and as commands feel it."""

    def __init__(self, path: Path) -> None:
        """Look at the file for the first time; nothing is written."""
        self._path = path
        self._beaten = 0
        self._seen, self._since = self._stamp(), time.monotonic()

    def beat(self) -> None:
        """Stamp the file, unless that was done just now. Raises OSError."""
        now = time.monotonic_ns()
        if now - self._beaten < BEAT_SECONDS * 1e9:
            return
        if not self._path.exists():
            self._path.touch(mode=0o600)
        os.utime(self._path, ns=(now, now))
        self._beaten = now

    def silence(self) -> float:
        """Return for how many seconds there was no beat, as far as this object has looked; 0 while they come.

        A stamp that means nothing here (another machine's) is compared with the next: then silence begins with the first look.
        """
        stamp, now = self._stamp(), time.monotonic()
        if stamp != self._seen or 0 <= now - stamp / 1e9 < FRESH_SECONDS:
            self._seen, self._since = stamp, now
        return now - self._since

    def answers(self, seconds: float) -> bool:
        """Wait for a beat for at most so long, and say whether there was one."""
        return wait_until(lambda: self.silence() == 0, seconds)

    def _stamp(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
