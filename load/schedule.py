"""When each request is due: at a constant rate whatever the answers do, or one after the other."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Ticket:
    """The right to send one request. `due` is its intended start on the performance counter, None without a schedule."""

    due: float | None


class Schedule:
    """Tickets for all users together. A late request keeps its intended start, so that a stall is not hidden by waiting.

    That fault is known as coordinated omission: users who wait for a stalled answer send nothing, and see nothing.
    One user at a time waits for the next due time; the others stand by, and the last to come back is the next to go,
    so that few connections stay busy and many are there when answers take long.
    """

    def __init__(self, rate: float, requests: int | None) -> None:
        """Plan `requests` tickets (None: no end) at `rate` a second in all (0: as soon as asked for)."""
        self.rate, self.requests = rate, requests
        self._given = 0
        self._start: float | None = None
        self._stopping = threading.Event()
        self._led = False
        self._standing_by: list[threading.Event] = []

    def begin(self) -> None:
        """Start the clock: the first ticket is due now."""
        self._start = time.perf_counter()

    def stop(self) -> None:
        """Give no more tickets; whoever waits for one leaves at once."""
        self._stopping.set()

    def take(self) -> Ticket | None:
        """Wait until the next request is due and return its ticket; None when there is none left."""
        if not self.rate:
            return self._next()
        if self._led:
            turn = threading.Event()
            self._standing_by.append(turn)
            turn.wait()
        self._led = True
        ticket = self._next()
        if self._standing_by:
            self._standing_by.pop().set()  # leads now, so `_led` stays
        else:
            self._led = False
        return ticket

    def _next(self) -> Ticket | None:
        if self._stopping.is_set() or self._given == self.requests:
            return None
        number, self._given = self._given, self._given + 1
        if not self.rate:
            return Ticket(None)
        due = self._since + number / self.rate
        stopped = self._stopping.wait(max(due - time.perf_counter(), 0.0))
        return None if stopped else Ticket(due)

    @property
    def _since(self) -> float:
        if self._start is None:
            self.begin()
        assert self._start is not None
        return self._start
