"""What the process engine knows of its replicas while one waits for them, or measures them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx

from infra.engines.measuring import Lives
from infra.engines.process.record import Record, read_record
from infra.haproxy.statistics import Server, StatsSocket
from infra.host.layout import Layout
from infra.host.logs import tail


class HostView:
    """One environment on this host. Implements `Watched`."""

    def __init__(self, place: Layout, socket: Path) -> None:
        """Look at this place, and at the proxy behind this socket."""
        self._place, self._socket = place, socket

    def client(self, seconds: float, base_url: str = "") -> httpx.Client:
        """Return a client of loopback addresses, past any HTTP proxy."""
        return httpx.Client(timeout=seconds, trust_env=False, base_url=base_url)

    def servers(self) -> Mapping[str, Server]:
        """Return the proxy's servers by name."""
        return StatsSocket(self._socket).servers()

    def restarts(self) -> Mapping[str, int]:
        """Return how often each replica was started again."""
        return {name: seen.restarts for name, seen in self._record().replicas.items()}

    def last_lines(self, replica: str) -> str:
        """Return the path of a replica's log and its last lines."""
        log = self._place.log(replica)
        return f"{log}:\n{tail(log) or '(nothing)'}"

    def lives(self) -> Lives:
        """Return which processes are counted now."""
        record = self._record()
        return Lives(
            proxy=str(record.proxy.pid if record.proxy else 0),
            replicas={name: str(seen.pid) for name, seen in record.replicas.items()},
            restarts=self.restarts(),
        )

    def _record(self) -> Record:
        return read_record(self._place.record)
