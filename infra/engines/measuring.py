"""A slot's counters, from the replicas themselves and from the proxy, that only ever grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateline.contracts.slots import SlotMetrics
from gateline.contracts.state import WantedReplica
from gateline.settings.errors import OutsideError
from infra.haproxy.statistics import Server

SECONDS = 5.0
Key = TypeVar("Key")


@dataclass(frozen=True)
class Lives:
    """Which lives of proxy and replicas the counters at hand come from: an id that a restart changes."""

    proxy: str
    replicas: Mapping[str, str]
    restarts: Mapping[str, int]
    """How often each replica was started again."""


class Meter:
    """Remembers what each process has counted, so that a restart takes nothing away.

    It knows what it has read itself: a meter made after a restart begins with what is counted then.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._services: dict[tuple[str, str], Figures] = {}
        self._servers: dict[tuple[str, str], Server] = {}

    def read(
        self, replicas: Sequence[WantedReplica], lives: Lives, client: httpx.Client, servers: Mapping[str, Server]
    ) -> SlotMetrics:
        """Return the sums over a slot's replicas, asked through `client`; `servers` are all that the proxy knows.

        A replica that does not answer (it is being restarted) counts as when it was last read. Raises OutsideError if no
        replica answers.
        """
        silent = self._read_services(replicas, lives, client)
        for name, server in servers.items():
            self._servers[name, lives.proxy] = server
        names = {replica.name for replica in replicas}
        sums = self._sums(names, sum(count for name, count in lives.restarts.items() if name in names))
        living = [(name, lives.replicas.get(name, "")) for name in sorted(names)]
        memory = [self._services[life].memory for life in living if life in self._services]
        said = float(sum(1 for size in memory if size))
        return replace(sums, silent=silent, memory=sum(memory), processes=said)

    def _read_services(
        self, replicas: Sequence[WantedReplica], lives: Lives, client: httpx.Client
    ) -> frozenset[str]:
        """Return which replicas did not answer."""
        failures: dict[str, OutsideError] = {}
        for replica in replicas:
            try:
                figures = scrape(client, replica.address)
            except OutsideError as error:
                failures[replica.name] = error
                continue
            self._keep(replica.name, lives.replicas.get(replica.name, ""), figures)
        if len(failures) == len(replicas):
            raise next(iter(failures.values()))
        return frozenset(failures)

    def _keep(self, name: str, life: str, figures: Figures) -> None:
        """Smaller than before in one life: a successor answered that is not recorded yet. The next read is right."""
        last = self._services.get((name, life), Figures())
        if figures.requests >= last.requests:
            self._services[name, life] = figures

    def _sums(self, names: set[str], restarts: int) -> SlotMetrics:
        figures = add(figures for (name, _), figures in self._services.items() if name in names)
        servers = [server for (name, _), server in self._servers.items() if name in names]
        return SlotMetrics(
            releases=figures.releases,
            requests=figures.requests,
            errors=figures.errors,
            refused=figures.refused,
            latency_sum=figures.latency_sum,
            latency_buckets=dict(sorted(figures.latency_buckets.items())),
            predictions=figures.predictions,
            proxied=sum(server.requests for server in servers),
            proxy_errors=sum(server.errors for server in servers),
            restarts=float(restarts),
        )


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
