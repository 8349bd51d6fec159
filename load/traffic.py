"""What all users of one run share: payloads, schedule, warm-up, and the requests that are on their way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from load.payloads import Payloads
from load.recorder import Recorder
from load.schedule import Schedule, Ticket


class Traffic:
    """The users warm the service up together; when the last of them is done, the schedule and the counting begin."""

    def __init__(
        self, payloads: Payloads, schedule: Schedule, recorder: Recorder, *, users: int, warmup: int, warmers: int
    ) -> None:
        """Share these among `users` users, who first send `warmup` requests in all, `warmers` at a time."""
        self.payloads, self.schedule, self.recorder = payloads, schedule, recorder
        self.on_begin: Callable[[], None] = lambda: None
        self._users, self._warmup = users, warmup
        self.warmers = threading.Semaphore(warmers)
        self.most_flying = 0
        """The most requests that were on their way at once."""
        self._begun = threading.Event()
        self._flying: dict[int, float] = {}

    def wants_warmup(self) -> bool:
        """Take one warm-up request, if one is left."""
        self._warmup -= 1
        return self._warmup >= 0

    def arrive(self) -> None:
        """Say that a user is warm, and wait for the others; the last one starts the clock."""
        self._users -= 1
        if self._users == 0:
            self.on_begin()
            self.most_flying = 0
            self.recorder.begin()
            self.schedule.begin()
            self._begun.set()
        self._begun.wait()

    @property
    def begun(self) -> bool:
        """Whether the warm-up is over."""
        return self._begun.is_set()

    @contextmanager
    def flight(self, ticket: Ticket) -> Iterator[float]:
        """Keep a request among those on their way, and give the moment its latency runs from."""
        now = time.perf_counter()
        since = now if ticket.due is None else min(ticket.due, now)
        self._flying[id(ticket)] = since
        self.most_flying = max(self.most_flying, len(self._flying))
        try:
            yield since
        finally:
            self._flying.pop(id(ticket), None)

    def waiting_ms(self) -> list[float]:
        """Return how long each request on its way has been waiting."""
        now = time.perf_counter()
        return [1000 * (now - since) for since in self._flying.values()]
