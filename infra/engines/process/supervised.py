"""A process that is started again when it ends, and a replica that is drained and then stopped."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from gateline.settings.errors import GatelineError, first_line
from infra.engines.process.record import Seen
from infra.host.processes import Child, Command

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SETTLED_SECONDS = 10.0
"""A process that lived so long ended for a reason of its own: the next pause is the first one again."""


class Supervised:
    """One process, started again when it ends: soon at first, later each time that it ends soon after its start."""

    def __init__(self, build: Callable[[], Command | None], log: Path, seen: Seen | None = None) -> None:
        """Take over the process that an earlier supervisor left, if it still lives.

        `build` returns how to start it, None where that is not known yet, and raises GatelineError where it may not start.
        """
        self._build, self._log, self._seen = build, log, seen
        self.child = seen.child() if seen else None
        self.restarts = seen.restarts + (self.child is None) if seen else 0
        self._started, self._due, self._pause = time.monotonic(), 0.0, FIRST_PAUSE

    def supervise(self) -> str:
        """Start the process if it is due; return how it ended, or why it cannot start, if that is news; else ''."""
        if self.child is None:
            return self._start_if_due()
        if self.child.alive():
            return ""
        ended, self.child = self.child, None
        ended.send(signal.SIGKILL)  # also what it started and left behind: that may hold the port
        self._put_off()
        return ended.ending()

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return bool(self.child and self.child.alive())

    @property
    def seen(self) -> Seen | None:
        """The process as it goes into the record, also after it ended; None if it was never started."""
        return self._seen.model_copy(update={"restarts": self.restarts}) if self._seen else None

    def send(self, number: signal.Signals) -> None:
        """Signal the process, if there is one."""
        if self.child:
            self.child.send(number)

    def replace(self) -> Child | None:
        """Start a successor and return the process before it, which the caller ends. Raises as a start does."""
        before, command = self.child, self._build()
        assert command is not None, "what has a successor is started at once"
        self._spawn(command)
        return before

    def _start_if_due(self) -> str:
        if time.monotonic() < self._due:
            return ""
        self._started = time.monotonic()
        try:
            command = self._build()
            if command is not None:
                self._spawn(command)
        except (OSError, GatelineError) as error:
            self._put_off()
            return f"cannot be started: {first_line(error)}"
        return ""

    def _spawn(self, command: Command) -> None:
        self.child = Child.spawn(command, self._log)
        self._started = time.monotonic()
        self._seen = Seen(pid=self.child.pid, born=self.child.born)

    def _put_off(self) -> None:
        now = time.monotonic()
        if now - self._started > SETTLED_SECONDS:
            self._pause = FIRST_PAUSE
        self._due, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
        self.restarts += 1


class Draining:
    """One replica on its way out: first the proxy lets it go, then it is asked to stop, then it is ended."""

    def __init__(self, seen: Seen, child: Child | None, drain_seconds: float) -> None:
        """Start the clock: requests may run so long, and then the process may take so long to stop."""
        self.seen, self._child, self._seconds = seen, child, drain_seconds
        self._deadline = time.monotonic() + drain_seconds
        self.known = True
        """Whether the proxy still knows it."""

    def step(self, release: Callable[[bool], bool]) -> bool:
        """Go one step; return True when the process is gone. `release(forced)` says whether the proxy has let go."""
        late = time.monotonic() > self._deadline
        if self.known:
            self.known = not release(late)
            if not self.known:
                self._deadline = time.monotonic() + self._seconds
                if self._child:
                    self._child.send(signal.SIGTERM)
            return False
        if self._child and self._child.alive() and not late:
            return False
        if self._child:
            self._child.send(signal.SIGKILL)
        return not (self._child and self._child.alive())
