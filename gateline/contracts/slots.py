"""The places a release runs in, and what is counted there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Key = TypeVar("Key", str, float)


class Slot(StrEnum):
    """The places a release can run in."""

    STABLE = "stable"
    CANARY = "canary"
    BASELINE = "baseline"
    """Fresh replicas of stable, each with as much traffic as the canary: what latency is compared with."""
    PREVIOUS = "previous"


@dataclass(frozen=True)
class SlotMetrics:
    """Counters of one slot since its replicas started, summed over them. All but `silent` and `memory` only ever grow."""

    releases: frozenset[str]
    """Digests that the replicas themselves report: the proof of whose figures these are."""
    requests: float
    """Predictions answered, as the service counts them."""
    errors: float
    """Answers with a 5xx status, and those with 200 of which a row has no prediction, as the service counts them."""
    latency_sum: float
    """Seconds spent in answered predictions."""
    latency_buckets: Mapping[float, float]
    """Cumulative counts by upper bound in seconds (`inf` last)."""
    predictions: Mapping[str, float]
    """Counts of predictions by label, or by bin of the score."""
    proxied: float
    """Requests that the proxy sent to this slot."""
    proxy_errors: float
    """Of these, answers with a 5xx status and failed connections, as the proxy counts them."""
    silent: frozenset[str] = frozenset()
    """The replicas, by name, that did not answer just now: what they count is as it was last read."""
    restarts: float = 0.0
    """How often its replicas ended and were started again, as the engine counts them."""
    refused: float = 0.0
    """Answers with a 4xx status, as the service counts them."""
    memory: float = 0.0
    """Bytes that the processes at hand have in memory (resident); 0 where they do not say."""
    processes: float = 0.0
    """How many processes said so."""

    def plus(self, other: SlotMetrics) -> SlotMetrics:
        """Return the counters of both slots together."""
        return SlotMetrics(
            releases=self.releases | other.releases,
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            latency_sum=self.latency_sum + other.latency_sum,
            latency_buckets=_sums(self.latency_buckets, other.latency_buckets),
            predictions=_sums(self.predictions, other.predictions),
            proxied=self.proxied + other.proxied,
            proxy_errors=self.proxy_errors + other.proxy_errors,
            silent=self.silent | other.silent,
            restarts=self.restarts + other.restarts,
            refused=self.refused + other.refused,
            memory=self.memory + other.memory,
            processes=self.processes + other.processes,
        )


def _sums(one: Mapping[Key, float], other: Mapping[Key, float]) -> dict[Key, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in {**one, **other}}
