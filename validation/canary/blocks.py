"""What happened in a canary between two looks: increments of both slots' counters, cut into blocks of some seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from gateline.contracts.slots import SlotMetrics

BLOCK_SECONDS = 5.0
"""Increments are judged in blocks of this length: long enough that the two slots' scrapes need not be simultaneous."""
Key = TypeVar("Key", str, float)
MOST_LOOKS = 1200
"""Looks kept of one canary; a longer one is thinned out, and its blocks grow with it."""
SUMMED = ("requests", "errors", "answered", "latency_sum", "proxied", "restarts", "refused")


@dataclass(frozen=True, eq=False)
class Look:
    """Both slots' cumulative counters, read at nearly the same moment. Each is one of its own: blocks are cached by them."""

    seconds: float
    """Seconds since the canary got its share of traffic."""
    canary: SlotMetrics
    stable: SlotMetrics
    """All of stable, the baseline included."""
    baseline: SlotMetrics | None = None
    """Of stable, the replicas that each get as much traffic as the canary. A process that is asked less often answers slower
    (its caches are cold), so latency is compared with this where it is there."""


@dataclass(frozen=True)
class Increment:
    """What one slot counted between two looks. A slot that restarted in between counts nothing for that interval."""

    requests: float = 0.0
    """Answers, by the larger of the service's and the proxy's count."""
    errors: float = 0.0
    """5xx answers, those without a prediction and failed connections, by the larger of the service's and the proxy's count."""
    answered: float = 0.0
    """Predictions answered, as the service counts them."""
    latency_sum: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)
    """Requests in each latency bucket (not cumulative), by upper bound in seconds."""
    predictions: Mapping[str, float] = field(default_factory=dict)
    proxied: float = 0.0
    restarts: float = 0.0
    refused: float = 0.0
    """4xx answers, as the service counts them."""
    memory: float = 0.0
    """Resident bytes of one process at the end, the mean over them; 0 where it is not known."""

    def plus(self, other: Increment) -> Increment:
        buckets, predictions = _sum(self.buckets, other.buckets), _sum(self.predictions, other.predictions)
        summed = {name: getattr(self, name) + getattr(other, name) for name in SUMMED}
        return replace(other, buckets=buckets, predictions=predictions, **summed)

    @property
    def error_share(self) -> float:
        """Share of requests that failed; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def mean_seconds(self) -> float | None:
        """Mean latency in seconds; None without answers."""
        return self.latency_sum / self.answered if self.answered else None


@dataclass(frozen=True)
class Block:
    """Both slots' increments over the same span of time."""

    start: float
    end: float
    canary: Increment
    stable: Increment
    baseline: Increment | None = None

    @property
    def paced(self) -> Increment:
        return self.stable if self.baseline is None else self.baseline


def blocks(history: Sequence[Look], seconds: float = BLOCK_SECONDS) -> list[Block]:
    """Return the complete blocks of a history, oldest first; what came after the last complete one is left out.

    A thinned history has fewer, longer blocks, so that a canary of a day costs no more to judge than one of an hour.
    """
    lasted = history[-1].seconds - history[0].seconds if history else 0.0
    span = max(seconds, 2.0 * lasted / MOST_LOOKS)
    found, first = [], 0
    for index in range(1, len(history)):
        if history[index].seconds - history[first].seconds >= span - 0.05:
            found.append(_complete(tuple(history[first : index + 1])))
            first = index
    return found


def warm(blocks: Sequence[Block], warmup_requests: float) -> list[Block]:
    answered, found = 0.0, []
    for block in blocks:
        if answered >= warmup_requests:
            found.append(block)
        answered += block.canary.answered
    return found


def total(history: Sequence[Look]) -> Block:
    return _block(history) if history else Block(0.0, 0.0, Increment(), Increment())


def thinned(history: Sequence[Look], most: int = MOST_LOOKS) -> list[Look]:
    """Return the history with every second look left out once it is longer than `most`; first and last stay."""
    return list(history) if len(history) <= most else [*history[:-1:2], history[-1]]


def increment(before: SlotMetrics, after: SlotMetrics) -> Increment:
    """Return what one slot counted between two reads.

    A counter that fell means that a replica or the proxy restarted: what it counted meanwhile cannot be known and is left out.
    """
    grown = {name: getattr(after, name) - getattr(before, name) for name in READ}
    predictions = _difference(before.predictions, after.predictions)
    cumulative = _difference(before.latency_buckets, after.latency_buckets)
    if min(grown["proxied"], grown["proxy_errors"]) < 0:
        grown |= dict.fromkeys(("proxied", "proxy_errors"), 0.0)
    fell = min(grown["requests"], grown["errors"], grown["refused"], grown["latency_sum"]) < 0
    if fell or _fell(before.predictions, after.predictions) or _fell(before.latency_buckets, after.latency_buckets):
        grown |= dict.fromkeys(("requests", "errors", "refused", "latency_sum"), 0.0)
        predictions, cumulative = {}, {}
    buckets, below = {}, 0.0
    for bound in sorted(cumulative):
        buckets[bound], below = max(0.0, cumulative[bound] - below), max(below, cumulative[bound])
    return Increment(
        requests=max(grown["requests"], grown["proxied"], grown["errors"], grown["proxy_errors"]),
        errors=max(grown["errors"], grown["proxy_errors"]),
        answered=grown["requests"],
        latency_sum=grown["latency_sum"],
        buckets=buckets,
        predictions=predictions,
        proxied=grown["proxied"],
        restarts=max(0.0, grown["restarts"]),
        refused=grown["refused"],
        memory=after.memory / after.processes if after.processes else 0.0,
    )


READ = ("requests", "errors", "refused", "latency_sum", "proxied", "proxy_errors", "restarts")


@lru_cache(maxsize=4096)
def _complete(looks: tuple[Look, ...]) -> Block:
    """A complete block stays what it is, and is asked for at every look that follows."""
    return _block(looks)


def _block(looks: Sequence[Look]) -> Block:
    baseline = [look.baseline for look in looks if look.baseline is not None]
    return Block(
        start=looks[0].seconds,
        end=looks[-1].seconds,
        canary=_counted([look.canary for look in looks]),
        stable=_counted([look.stable for look in looks]),
        baseline=_counted(baseline) if len(baseline) == len(looks) else None,
    )


def _counted(reads: Sequence[SlotMetrics]) -> Increment:
    counted, first = Increment(), reads[0]
    for before, after in pairwise(reads):
        if after.requests < before.requests or after.proxied < before.proxied:
            counted, first = counted.plus(increment(first, before)).plus(increment(before, after)), after
    return counted.plus(increment(first, reads[-1]))


def _fell(before: Mapping[Key, float], after: Mapping[Key, float]) -> bool:
    return any(after.get(name, 0.0) < count for name, count in before.items())


def _difference(before: Mapping[Key, float], after: Mapping[Key, float]) -> dict[Key, float]:
    return {name: count - before.get(name, 0.0) for name, count in after.items()}


def _sum(left: Mapping[Key, float], right: Mapping[Key, float]) -> dict[Key, float]:
    return {name: left.get(name, 0.0) + right.get(name, 0.0) for name in {**left, **right}}
