"""A slot's counters, from the replicas themselves and from the proxy, that only ever grow."""

from __future__ import annotations

from dataclasses import replace

import httpx

from contracts.slots import Slot, SlotMetrics
from infra.process.record import Record
from infra.process.scrape import Figures, add, scrape
from infra.process.state import State, WantedReplica
from infra.process.stats import Server, StatsSocket
from settings.errors import OutsideError, UsageError

SECONDS = 5.0


class Meter:
    """Remembers what each process has counted, so that a restart takes nothing away.

    It knows what it has read itself: a meter made after a restart begins with what is counted then.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._services: dict[tuple[str, int], Figures] = {}
        self._servers: dict[tuple[str, int], Server] = {}

    def read(self, state: State, record: Record, slot: Slot) -> SlotMetrics:
        """Return the sums over a slot's replicas.

        A replica that does not answer (it is being restarted) counts as when it was last read. Raises UsageError for
        an empty slot, OutsideError if no replica answers, or the proxy does not.
        """
        wanted = state.slots.get(slot)
        if wanted is None:
            raise UsageError(
                f"slot {slot} of {state.environment} is empty and has no metrics", "start a release in it first"
            )
        self._read_services(wanted.replicas, record)
        self._read_proxy(state, record)
        names = {replica.name for replica in wanted.replicas}
        return replace(
            self._sums(names), restarts=sum(record.replicas[name].restarts for name in names & record.replicas.keys())
        )

    def _read_services(self, replicas: tuple[WantedReplica, ...], record: Record) -> None:
        failures = []
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            for replica in replicas:
                try:
                    figures = scrape(client, f"127.0.0.1:{replica.port}")
                except OutsideError as error:
                    failures.append(error)
                    continue
                seen = record.replicas.get(replica.name)
                self._keep(replica.name, seen.pid if seen else 0, figures)
        if len(failures) == len(replicas):
            raise failures[0]

    def _keep(self, name: str, pid: int, figures: Figures) -> None:
        """Smaller than before under one id: a successor answered that the record does not name yet. The next read does."""
        last = self._services.get((name, pid), Figures())
        if figures.requests >= last.requests:
            self._services[name, pid] = figures

    def _read_proxy(self, state: State, record: Record) -> None:
        pid = record.proxy.pid if record.proxy else 0
        for name, server in StatsSocket(state.socket).servers().items():
            self._servers[name, pid] = server

    def _sums(self, names: set[str]) -> SlotMetrics:
        figures = add(figures for (name, _), figures in self._services.items() if name in names)
        servers = [server for (name, _), server in self._servers.items() if name in names]
        return SlotMetrics(
            releases=figures.releases,
            requests=figures.requests,
            errors=figures.errors,
            latency_sum=figures.latency_sum,
            latency_buckets=dict(sorted(figures.latency_buckets.items())),
            predictions=figures.predictions,
            proxied=sum(server.requests for server in servers),
            proxy_errors=sum(server.errors for server in servers),
        )
