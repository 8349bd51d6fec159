"""Make up a canary's and stable's counters as they would be scraped every second: equal slots, faults, harmless events.

Latencies are lognormal around a level that wanders for each replica by itself (first-order autoregressive from second to
second), with a stall now and then. Requests arrive at random (Poisson) and are dealt out round robin, as the proxy does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp, inf, log, sqrt
from random import Random

from gateline.contracts.latency import BUCKETS
from gateline.contracts.slots import SlotMetrics
from validation.canary.blocks import Look

CANARY, STABLE = "c" * 64, "5" * 64
BASELINE_REPLICAS = 2
BOUNDS = (*BUCKETS, inf)
"""Bucket bounds of the service's latency histogram, in seconds."""


@dataclass(frozen=True)
class Event:
    """Something that happens to both slots from one second to another."""

    start: float = inf
    end: float = inf
    size: float = 0.0

    def at(self, second: float, otherwise: float) -> float:
        """Return the event's size while it lasts."""
        return self.size if self.start <= second < self.end else otherwise


@dataclass(frozen=True)
class Traffic:
    """What is played: the traffic, what differs in the canary, and what happens to both slots."""

    rate: float = 50.0
    """Requests a second, over both slots."""
    share: float = 0.1
    """Share that the canary really gets."""
    seconds: int = 240
    errors: tuple[float, float] = (0.0005, 0.0005)
    """Share of answers with a 5xx status: the canary's, stable's."""
    positives: tuple[float, float] = (0.3, 0.3)
    """Share of positive predictions: the canary's, stable's."""
    slowdown: float = 1.0
    """The canary's latency over stable's."""
    cold_requests: int = 5
    """First answers of the canary, and of the baseline, that take ten times as long."""
    burst: Event = field(default_factory=Event)
    """A share of errors in both slots."""
    slow_machine: Event = field(default_factory=Event)
    """A factor on the latency of both slots."""
    wander: float = 0.1
    """Standard deviation of a replica's log latency level."""
    fade: float = 0.9
    """Correlation of the level from one second to the next."""
    scatter: float = 0.5
    """Standard deviation of one request's log latency around the level."""
    median: float = 0.004
    """Median latency in seconds."""
    stalls: float = 0.01
    """Share of requests that wait for 50 ms more, on average."""
    slow: float = 0.0
    """Share of the canary's requests that take half a second more."""
    refused: tuple[float, float] = (0.0, 0.0)
    """Share of answers with a 4xx status: the canary's, stable's."""
    memory: float = 1.0
    """The canary's memory over stable's."""
    leak: float = 0.0
    """Bytes that each request leaves behind in the canary."""


class Memory:
    """Resident bytes of one process: about 150 MB, a warm-up of some tens, then an arena more or less now and then."""

    def __init__(self, random: Random) -> None:
        """Begin a process; its memory has chances of its own, so that the requests are what they were without it."""
        self._random = Random(random.random())
        self._start = 150e6 * exp(self._random.gauss(0.0, 0.02))
        self._warm, self._pace = self._random.uniform(10e6, 40e6), self._random.uniform(10.0, 60.0)
        self._arenas = self._seconds = 0.0

    def read(self) -> float:
        """Return the bytes, a second after the last read."""
        self._seconds += 1.0
        if self._random.random() < 1 / 60:
            self._arenas = max(0.0, self._arenas + self._random.choice([-1.0, 1.0]) * self._random.uniform(1e6, 10e6))
        return self._start + self._warm * (1 - exp(-self._seconds / self._pace)) + self._arenas


class Played:
    """One slot's counters as they grow."""

    def __init__(
        self, traffic: Traffic, random: Random, *, canary: bool = False, replicas: int, fresh: bool = True
    ) -> None:
        """Start every counter at zero. The first answers of each fresh replica are cold."""
        self._traffic, self._canary, self._random = traffic, canary, random
        self._cold = traffic.cold_requests * replicas if fresh else 0
        self._levels = [_wander(traffic, random) for _ in range(replicas)]
        self._requests = self._errors = self._positives = self._refused = 0
        self._memory = [Memory(random) for _ in range(replicas)]
        self._seconds = 0.0
        self._buckets = [0] * len(BOUNDS)

    def answer(self, second: int) -> None:
        """Count one request."""
        traffic, index = self._traffic, 0 if self._canary else 1
        seconds = self._latency(second)
        self._requests += 1
        self._seconds += seconds
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._errors += self._random.random() < traffic.burst.at(second, 0.0) + traffic.errors[index]
        self._positives += self._random.random() < traffic.positives[index]
        if traffic.refused[index]:
            self._refused += self._random.random() < traffic.refused[index]

    def read(self) -> SlotMetrics:
        """Return the counters as scraped."""
        below, cumulative = 0, {}
        for bound, count in zip(BOUNDS, self._buckets):
            below += count
            cumulative[bound] = float(below)
        return SlotMetrics(
            releases=frozenset({CANARY if self._canary else STABLE}),
            requests=self._requests,
            errors=self._errors,
            latency_sum=self._seconds,
            latency_buckets=cumulative,
            predictions={"0": self._requests - self._positives, "1": self._positives},
            proxied=self._requests,
            proxy_errors=self._errors,
            refused=self._refused,
            memory=sum(self._bytes(one) for one in self._memory),
            processes=len(self._memory),
        )

    def _bytes(self, one: Memory) -> float:
        """Each read is a second after the one before."""
        size = one.read()
        if not self._canary:
            return size
        return size * self._traffic.memory + self._traffic.leak * self._requests

    def _latency(self, second: int) -> float:
        traffic, random = self._traffic, self._random
        level = self._levels[self._requests % len(self._levels)][second] + log(traffic.slow_machine.at(second, 1.0))
        seconds = traffic.median * exp(level + random.gauss(0.0, traffic.scatter))
        if random.random() < traffic.stalls:
            seconds += random.expovariate(20.0)
        if self._canary and traffic.slow and random.random() < traffic.slow:
            seconds += 0.5
        cold = 10.0 if self._requests < self._cold else 1.0
        return seconds * cold * (traffic.slowdown if self._canary else 1.0)


def replay(traffic: Traffic, seed: int) -> Iterator[Look]:
    """Yield one look a second, the first before any request; equal seeds give equal looks."""
    random = Random(seed)
    canary = Played(traffic, random, canary=True, replicas=1)
    baseline = Played(traffic, random, replicas=BASELINE_REPLICAS)
    stable = Played(traffic, random, replicas=2, fresh=False)
    dealt, due = 0, random.expovariate(traffic.rate)
    yield _look(0.0, canary, stable, baseline)
    for second in range(traffic.seconds):
        while due < second + 1:
            dealt += 1
            _turn(dealt, traffic.share, canary, stable, baseline).answer(second)
            due += random.expovariate(traffic.rate)
        yield _look(second + 1.0, canary, stable, baseline)


def _turn(dealt: int, share: float, canary: Played, stable: Played, baseline: Played) -> Played:
    """Say who answers the request of this number; the baseline's replicas take their turns evenly between the canary's."""
    for place in range(BASELINE_REPLICAS + 1):
        shift = place / (BASELINE_REPLICAS + 1)
        if int(dealt * share + shift) > int((dealt - 1) * share + shift):
            return baseline if place else canary
    return stable


def _look(seconds: float, canary: Played, stable: Played, baseline: Played) -> Look:
    return Look(seconds, canary.read(), stable.read().plus(baseline.read()), baseline.read())


def _wander(traffic: Traffic, random: Random) -> list[float]:
    step, levels = traffic.wander * sqrt(1 - traffic.fade**2), [random.gauss(0.0, traffic.wander)]
    while len(levels) < traffic.seconds:
        levels.append(traffic.fade * levels[-1] + random.gauss(0.0, step))
    return levels
