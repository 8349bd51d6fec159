"""The controller's sign of life: the proxy takes the canary out when it stops."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from gateline.settings.errors import OutsideError

STALE_SECONDS = 7.0
"""Longer than the question that a controller waits for longest: a replica that hangs is no controller that does."""
BEAT_SECONDS = 0.2
LAPSE_SECONDS = 1.25
"""A longer silence may have taken the canary out: a beat counts for 1 s, and the second failing check is 250 ms later."""
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine is suspended."""


def now() -> float:
    """Return seconds that no clock moves, those that the machine was suspended included."""
    return time.clock_gettime(CLOCK)


class Heartbeat:
    """Beats several times a second for as long as `beat` was called of late; never again once its process is dead.

    A controller that hangs falls silent as one that was killed or suspended does.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        """Beats are sent by `send`; one that fails (the proxy is started again just now) is left out."""
        self._send = send
        self._ended = Event()
        self._thread = Thread(target=self._go, daemon=True)
        self._last = 0.0
        self._sent = now()
        self._broken = False

    @property
    def fresh(self) -> bool:
        """Whether the controller was alive just now."""
        return time.monotonic() - self._last < STALE_SECONDS

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._last = time.monotonic()

    def lapsed(self) -> bool:
        """Say whether the proxy may have thought the controller dead at any time since this was last asked.

        It is asked before figures are judged: while the controller slept, the canary got no traffic.
        """
        late = now() - self._sent > LAPSE_SECONDS
        found, self._broken = late or self._broken, False
        return found

    def _go(self) -> None:
        while not self._ended.is_set():
            if self.fresh:
                with contextlib.suppress(OutsideError):
                    self._send()
                    self._heard()
            self._ended.wait(BEAT_SECONDS)

    def _heard(self) -> None:
        before, self._sent = self._sent, now()
        if self._sent - before > LAPSE_SECONDS:
            self._broken = True

    def __enter__(self) -> Heartbeat:
        self.beat()
        self._sent = now()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
