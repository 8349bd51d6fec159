"""A service process that is drained and then stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from infra.engines.process.record import Seen
from infra.host.child import Child

GONE = Seen(pid=0, born="")
"""Stands for a process that was never started."""


class Leaving:
    """One replica on its way out: first the proxy lets it go, then it is asked to stop, then it is ended."""

    def __init__(self, seen: Seen, child: Child | None, drain_seconds: float) -> None:
        """Start the clock: requests may run so long, and then the process may take so long to stop."""
        self.seen = seen
        self._child = child
        self._drain = drain_seconds
        self._deadline = time.monotonic() + drain_seconds
        self._released = False

    @property
    def draining(self) -> bool:
        """Whether the proxy still knows it."""
        return not self._released

    def step(self, release: Callable[[bool], bool]) -> bool:
        """Go one step; return True when the process is gone. `release(forced)` says whether the proxy has let go."""
        late = time.monotonic() > self._deadline
        if not self._released:
            self._released = release(late)
            if self._released:
                self._ask_to_stop()
            return False
        if self._child and self._child.alive() and not late:
            return False
        if self._child:
            self._child.send(signal.SIGKILL)
        return not (self._child and self._child.alive())

    def _ask_to_stop(self) -> None:
        self._deadline = time.monotonic() + self._drain
        if self._child:
            self._child.send(signal.SIGTERM)
