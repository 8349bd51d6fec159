"""A slot's counters, from the replicas themselves and from the proxy, that only ever grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from gateline.contracts.slots import SlotMetrics
from gateline.contracts.state import WantedReplica
from gateline.settings.errors import OutsideError
from infra.engines.scrape import Figures, add, scrape
from infra.haproxy.statistics import Server

SECONDS = 5.0


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
