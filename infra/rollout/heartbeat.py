"""The controller's sign of life: the proxy takes the canary out when it stops."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from settings.errors import OutsideError

STALE_SECONDS = 1.5
BEAT_SECONDS = 0.2


class Heartbeat:
    """Beats several times a second for as long as `beat` was called in the last 1.5 s; never again once its process is dead.

    A controller that hangs falls silent as one that was killed does.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        """Beats are sent by `send`; one that fails (the proxy is started again just now) is left out."""
        self._send = send
        self._ended = Event()
        self._thread = Thread(target=self._go, daemon=True)
        self._last = 0.0

    @property
    def fresh(self) -> bool:
        """Whether the controller was alive just now."""
        return time.monotonic() - self._last < STALE_SECONDS

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._last = time.monotonic()

    def _go(self) -> None:
        while not self._ended.is_set():
            if self.fresh:
                with contextlib.suppress(OutsideError):
                    self._send()
            self._ended.wait(BEAT_SECONDS)

    def __enter__(self) -> Heartbeat:
        self.beat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
