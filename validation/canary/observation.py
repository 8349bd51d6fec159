"""What happened in a canary between two looks: increments of both slots' counters, cut into blocks of some seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from gateline.contracts.slots import SlotMetrics

BLOCK_SECONDS = 5.0
"""Increments are judged in blocks of this length: long enough that the two slots' scrapes need not be simultaneous."""
Key = TypeVar("Key", str, float)
MOST_LOOKS = 1200
"""Looks kept of one canary; a longer one is thinned out, and its blocks grow with it."""


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
        """Return the sum of two increments."""
        return Increment(
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            answered=self.answered + other.answered,
            latency_sum=self.latency_sum + other.latency_sum,
            buckets=_sum(self.buckets, other.buckets),
            predictions=_sum(self.predictions, other.predictions),
            proxied=self.proxied + other.proxied,
            restarts=self.restarts + other.restarts,
            refused=self.refused + other.refused,
            memory=other.memory,
        )

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
        """What the canary's latency is compared with."""
        return self.stable if self.baseline is None else self.baseline


def blocks(history: Sequence[Look], seconds: float = BLOCK_SECONDS) -> list[Block]:
    """Return the complete blocks of a history, oldest first; what came after the last complete one is left out."""
    return [_complete(tuple(looks)) for looks in _cut(history, max(seconds, _block_for(history)))]


def warm(blocks: Sequence[Block], warmup_requests: float) -> list[Block]:
    """Return the blocks after the canary's first `warmup_requests` answers."""
    answered, found = 0.0, []
    for block in blocks:
        if answered >= warmup_requests:
            found.append(block)
        answered += block.canary.answered
    return found


def total(history: Sequence[Look]) -> Block:
    """Return all increments since the first look as one block."""
    return _block(history) if history else Block(0.0, 0.0, Increment(), Increment())


def thinned(history: Sequence[Look], most: int = MOST_LOOKS) -> list[Look]:
    """Return the history with every second look left out once it is longer than `most`; first and last stay."""
    return list(history) if len(history) <= most else [*history[:-1:2], history[-1]]


def increment(before: SlotMetrics, after: SlotMetrics) -> Increment:
    """Return what one slot counted between two reads.

    A counter that fell means that a replica or the proxy restarted: what it counted meanwhile cannot be known and is left out.
    """
    served, routed = not _service_restarted(before, after), not _proxy_restarted(before, after)
    answered = after.requests - before.requests if served else 0.0
    failed = after.errors - before.errors if served else 0.0
    proxied = after.proxied - before.proxied if routed else 0.0
    refused = after.proxy_errors - before.proxy_errors if routed else 0.0
    return Increment(
        requests=max(answered, proxied, failed, refused),
        errors=max(failed, refused),
        answered=answered,
        latency_sum=after.latency_sum - before.latency_sum if served else 0.0,
        buckets=_per_bucket(before.latency_buckets, after.latency_buckets) if served else {},
        predictions=_difference(before.predictions, after.predictions) if served else {},
        proxied=proxied,
        restarts=max(0.0, after.restarts - before.restarts),
        refused=after.refused - before.refused if served else 0.0,
        memory=after.memory / after.processes if after.processes else 0.0,
    )


def _block_for(history: Sequence[Look]) -> float:
    """A thinned history has fewer, longer blocks, so that a canary of a day costs no more to judge than one of an hour."""
    if len(history) < 2:
        return 0.0
    return 2.0 * (history[-1].seconds - history[0].seconds) / MOST_LOOKS


def _cut(history: Sequence[Look], span: float) -> Iterator[Sequence[Look]]:
    first = 0
    for index in range(1, len(history)):
        if history[index].seconds - history[first].seconds >= span - 0.05:
            yield history[first : index + 1]
            first = index


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
    """Add up the stretches between restarts."""
    counted, first = Increment(), reads[0]
    for before, after in pairwise(reads):
        if after.requests < before.requests or after.proxied < before.proxied:
            counted, first = counted.plus(increment(first, before)).plus(increment(before, after)), after
    return counted.plus(increment(first, reads[-1]))


def _service_restarted(before: SlotMetrics, after: SlotMetrics) -> bool:
    plain = after.requests < before.requests or after.errors < before.errors or after.refused < before.refused
    fell = plain or after.latency_sum < before.latency_sum
    return fell or _fell(before.predictions, after.predictions) or _fell(before.latency_buckets, after.latency_buckets)


def _proxy_restarted(before: SlotMetrics, after: SlotMetrics) -> bool:
    return after.proxied < before.proxied or after.proxy_errors < before.proxy_errors


def _fell(before: Mapping[Key, float], after: Mapping[Key, float]) -> bool:
    return any(after.get(name, 0.0) < count for name, count in before.items())


def _difference(before: Mapping[Key, float], after: Mapping[Key, float]) -> dict[Key, float]:
    return {name: count - before.get(name, 0.0) for name, count in after.items()}


def _per_bucket(before: Mapping[float, float], after: Mapping[float, float]) -> dict[float, float]:
    cumulative = _difference(before, after)
    counts, below = {}, 0.0
    for bound in sorted(cumulative):
        counts[bound], below = max(0.0, cumulative[bound] - below), max(below, cumulative[bound])
    return counts


def _sum(left: Mapping[Key, float], right: Mapping[Key, float]) -> dict[Key, float]:
    return {name: left.get(name, 0.0) + right.get(name, 0.0) for name in {**left, **right}}
