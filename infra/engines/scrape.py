"""A replica's own figures: its Prometheus page, read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateline.settings.errors import OutsideError

Key = TypeVar("Key")


@dataclass(frozen=True)
class Figures:
    """What one replica, or several together, have counted since they started."""

    releases: frozenset[str] = frozenset()
    requests: float = 0.0
    errors: float = 0.0
    """5xx answers, and those without a prediction."""
    refused: float = 0.0
    """4xx answers."""
    memory: float = 0.0
    """Resident bytes of one replica; 0 where it does not say."""
    latency_sum: float = 0.0
    latency_buckets: Mapping[float, float] = field(default_factory=dict)
    predictions: Mapping[str, float] = field(default_factory=dict)


def scrape(client: httpx.Client, address: str) -> Figures:
    """Read `/metrics` of the replica at `host:port`. Raises OutsideError if it does not answer."""
    try:
        answer = client.get(f"http://{address}/metrics")
        answer.raise_for_status()
        return read(answer.text)
    except (httpx.HTTPError, ValueError) as error:
        raise OutsideError(f"the replica at {address} gives no metrics: {error}", "invoke status --logs") from None


def read(page: str) -> Figures:
    """Read a Prometheus text page. Raises ValueError if it is none."""
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return Figures(
        releases=frozenset(sample.labels["release"] for sample in _named(samples, "gateline_release_info")),
        requests=sum(sample.value for sample in _named(samples, "gateline_requests_total")),
        errors=_answers(samples, "5xx") + sum(s.value for s in _named(samples, "gateline_empty_answers_total")),
        refused=_answers(samples, "4xx"),
        memory=sum(s.value for s in _named(samples, "process_resident_memory_bytes")),
        latency_sum=sum(sample.value for sample in _named(samples, "gateline_request_seconds_sum")),
        latency_buckets=_counts(
            (float(s.labels["le"]), s.value) for s in _named(samples, "gateline_request_seconds_bucket")
        ),
        predictions=_counts((s.labels["label"], s.value) for s in _named(samples, "gateline_predictions_total")),
    )


def add(figures: Iterable[Figures]) -> Figures:
    """Return the sums; of what is no counter, none."""
    listed = list(figures)
    return Figures(
        releases=frozenset().union(*(one.releases for one in listed)),
        requests=sum(one.requests for one in listed),
        errors=sum(one.errors for one in listed),
        refused=sum(one.refused for one in listed),
        latency_sum=sum(one.latency_sum for one in listed),
        latency_buckets=_counts(pair for one in listed for pair in one.latency_buckets.items()),
        predictions=_counts(pair for one in listed for pair in one.predictions.items()),
    )


def _named(samples: Iterable[Sample], name: str) -> list[Sample]:
    return [sample for sample in samples if sample.name == name]


def _answers(samples: Iterable[Sample], status: str) -> float:
    return sum(s.value for s in _named(samples, "gateline_requests_total") if s.labels.get("status") == status)


def _counts(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    counts: dict[Key, float] = {}
    for key, value in pairs:
        counts[key] = counts.get(key, 0.0) + value
    return counts
