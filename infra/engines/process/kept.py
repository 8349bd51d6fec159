"""A process that is kept alive, and a service process that is drained and then stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from gateline.settings.errors import GatelineError, first_line
from infra.engines.process.record import Seen
from infra.host.child import Child, Command

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SETTLED_SECONDS = 10.0
"""A process that lived so long ended for a reason of its own: the next pause is the first one again."""
GONE = Seen(pid=0, born="")
"""Stands for a process that was never started."""


class Kept:
    """One process, started again when it ends: soon at first, later each time that it ends soon after its start."""

    def __init__(self, build: Callable[[], Command | None], log: Path, seen: Seen | None = None) -> None:
        """Take over the process that an earlier supervisor left, if it still lives.

        `build` returns how to start it, None where that is not known yet, and raises GatelineError where it may not start.
        """
        self._build = build
        self._log = log
        self._seen = seen
        self._child = seen.child() if seen else None
        self._started = time.monotonic()
        self._due = 0.0
        self._pause = FIRST_PAUSE
        self.restarts = seen.restarts + (self._child is None) if seen else 0

    def tend(self) -> str:
        """Start the process if it is due; return how it ended, or why it cannot start, if that is news; else ''."""
        if self._child is None:
            return self._start_if_due()
        return "" if self._child.alive() else self._bury(self._child)

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return bool(self._child and self._child.alive())

    @property
    def child(self) -> Child | None:
        """The process, unless it has not started or has ended."""
        return self._child

    @property
    def seen(self) -> Seen | None:
        """The process as it goes into the record, also after it ended; None if it was never started."""
        return self._seen.model_copy(update={"restarts": self.restarts}) if self._seen else None

    def send(self, number: signal.Signals) -> None:
        """Signal the process, if there is one."""
        if self._child:
            self._child.send(number)

    def replace(self) -> Child | None:
        """Start a successor beside the process, and return that: whoever starts it sees to its end. Raises as a start does."""
        command = self._build()
        assert command is not None, "what has a successor is started at once"
        before, self._child = self._child, Child.spawn(command, self._log)
        self._started = time.monotonic()
        self._seen = Seen(pid=self._child.pid, born=self._child.born)
        return before

    def _start_if_due(self) -> str:
        if time.monotonic() < self._due:
            return ""
        self._started = time.monotonic()
        try:
            command = self._build()
            if command is None:
                return ""
            self._child = Child.spawn(command, self._log)
        except (OSError, GatelineError) as error:
            self._put_off()
            return f"cannot be started: {first_line(error)}"
        self._seen = Seen(pid=self._child.pid, born=self._child.born)
        return ""

    def _bury(self, child: Child) -> str:
        """Also end what the process started and left behind: that may hold the port."""
        child.send(signal.SIGKILL)
        self._child = None
        self._put_off()
        return child.ending()

    def _put_off(self) -> None:
        now = time.monotonic()
        if now - self._started > SETTLED_SECONDS:
            self._pause = FIRST_PAUSE
        self._due, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
        self.restarts += 1


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
