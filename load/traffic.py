"""What all users of one run share: payloads, schedule, warm-up, the requests on their way, and what came of them."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateline.contracts import samples
from gateline.contracts.headers import RELEASE
from gateline.contracts.load_sample import LoadSample
from gateline.contracts.reference import Reference
from gateline.contracts.samples import LikelyRows, Sample
from gateline.contracts.schema import Column, Schema

UNANSWERED = "no answer before the end"


class Payloads(Iterator[str]):
    """An endless sequence of JSON bodies, one row each. In no prefix is a column missing more often than its share allows."""

    def __init__(self, schema: Schema, seed: int = 0, reference: Reference | None = None) -> None:
        """Draw `schema`'s features evenly from what it allows or, with a reference, as its training rows were distributed;
        equal seeds give equal sequences."""
        self._likely = LikelyRows(schema, reference, random.Random(seed)) if reference else None
        self._columns = schema.features
        self._chance = random.Random(seed)
        self._missing: Counter[str] = Counter()
        self._made = 0

    def __next__(self) -> str:
        """Return the next body."""
        return json.dumps({"features": self.row()}, separators=(",", ":"), allow_nan=False)

    def row(self) -> list[Sample]:
        """Return the next row in schema order; missing values are None."""
        if self._likely:
            return self._likely.row()
        self._made += 1
        return [self._value(column) for column in self._columns]

    def _value(self, column: Column) -> Sample:
        drawn = samples.value(column, self._chance)
        if drawn is not None:
            return drawn
        if self._missing[column.name] + 1 <= column.nullable * self._made:
            self._missing[column.name] += 1
            return None
        return samples.value(column.model_copy(update={"nullable": 0.0}), self._chance)


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
        """Give no more tickets; a user that waits for one leaves at once."""
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
        if self._start is None:
            self.begin()
        assert self._start is not None
        due = self._start + number / self.rate
        stopped = self._stopping.wait(max(due - time.perf_counter(), 0.0))
        return None if stopped else Ticket(due)


class Recorder:
    """A listener of locust's `request` event; it counts nothing before `begin`, so that the warm-up stays out."""

    def __init__(self) -> None:
        self._latencies: list[float] = []
        self._failures: Counter[str] = Counter()
        self._releases: Counter[str] = Counter()
        self._began: float | None = None
        self._ended = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.perf_counter()

    def __call__(self, response_time: float, exception: Exception | None, response: Any, **_: Any) -> None:
        """Take down one request; `response_time` is in milliseconds."""
        if self._began is None:
            return
        status, failure = getattr(response, "status_code", 0), ""
        if exception is not None and status not in (0, 200):
            failure = f"HTTP {status}"  # few words, the same for all of a kind
        elif exception is not None:
            failure = str(exception) if status else type(exception).__name__
        self._take_down(response_time, failure)
        release = (response.headers or {}).get(RELEASE) if response is not None else None
        if release:
            self._releases[str(release)] += 1

    def cut_off(self, latencies_ms: list[float]) -> None:
        """Take down the requests that were given up at the end, with the time they had waited."""
        for latency in latencies_ms:
            self._take_down(latency, UNANSWERED)

    @property
    def count(self) -> int:
        """Requests taken down."""
        return len(self._latencies)

    def sample(self, url: str, intended_rate: float, users: int) -> LoadSample:
        """Return everything seen."""
        seconds = max(self._ended - self._began, 0.0) if self._began is not None else 0.0
        return LoadSample.of(
            url, self._latencies, self._failures, seconds,
            releases=self._releases, intended_rate=intended_rate, users=users,
        )  # fmt: skip

    def _take_down(self, latency_ms: float, failure: str) -> None:
        self._latencies.append(latency_ms)
        self._ended = time.perf_counter()
        if failure:
            self._failures[failure] += 1


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
