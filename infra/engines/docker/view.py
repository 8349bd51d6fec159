"""What runs in an environment of the docker engine, put together from its state, its containers and its proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from gateline.contracts.slots import Slot
from gateline.contracts.state import State
from gateline.settings.errors import OutsideError
from infra.engines.contract import Replica, Running, SlotStatus, hung_replicas
from infra.engines.docker.proxy import Proxy
from infra.engines.docker.replicas import Replicas
from infra.engines.docker.tunnel import TunnelTransport
from infra.engines.measuring import SECONDS, Lives
from infra.haproxy.statistics import Server, share

LINES = 10
LIVING = ("running", "paused")


class DaemonView:
    """One environment on one daemon. Implements `Watched`."""

    def __init__(self, proxy: Proxy, replicas: Replicas) -> None:
        """Look through these."""
        self._proxy, self._replicas = proxy, replicas

    def client(self, seconds: float) -> httpx.Client:
        """Return a client that reaches the replicas in their network."""
        return httpx.Client(transport=TunnelTransport(self._proxy.tunnel), timeout=seconds)

    def hangs(self, address: str) -> bool:
        """Ask a replica, and say whether it takes the question and leaves it unanswered."""
        try:
            with self.client(SECONDS) as client:
                client.get(f"http://{address}/health/live")
        except httpx.HTTPError as error:
            return TimeoutError.__name__ in str(error)
        return False

    def servers(self) -> Mapping[str, Server]:
        """Return the proxy's servers by name."""
        return self._proxy.servers()

    def restarts(self) -> Mapping[str, int]:
        """Return how often the daemon started each replica again."""
        return {name: _restarts(container) for name, container in self._replicas.found().items()}

    def last_lines(self, replica: str) -> str:
        """Return a container's name and its last lines."""
        container = self._replicas.found().get(replica)
        if container is None:
            return f"replica {replica}: (its container is gone)"
        return f"{container.name}:\n{container.logs(tail=LINES).decode(errors='replace').strip() or '(nothing)'}"

    def lives(self) -> Lives:
        """Return which starts of the containers are counted now."""
        proxy, replicas = self._proxy.container(), self._replicas.found()
        return Lives(
            proxy=_start(proxy) if proxy is not None else "",
            replicas={name: _start(container) for name, container in replicas.items()},
            restarts={name: _restarts(container) for name, container in replicas.items()},
        )

    def running(self, state: State) -> Running:
        """Return what runs now. Nothing that is down is an error here."""
        servers, proxy = self._servers_or_none(), self._proxy.container()
        containers = self._replicas.found()
        slots = {slot: _slot(state, slot, containers, servers or {}) for slot in state.slots}
        silent = ["proxy"] if proxy is not None and proxy.status in LIVING and servers is None else []
        return Running(
            environment=state.environment,
            url=f"http://{state.shown}",
            proxy_alive=servers is not None,
            supervised=True,
            slots=slots,
            hung=(*silent, *hung_replicas(slots, servers or {})),
        )

    def _servers_or_none(self) -> Mapping[str, Server] | None:
        container = self._proxy.container()
        if container is None or container.status != "running":
            return None
        try:
            return self.servers()
        except OutsideError:
            return None


def _slot(state: State, slot: Slot, containers: Mapping[str, Any], servers: Mapping[str, Server]) -> SlotStatus:
    wanted = state.slots[slot]
    return SlotStatus(
        slot=slot,
        release=wanted.release,
        share=share({replica.name for replica in wanted.replicas}, servers),
        replicas=tuple(
            Replica(
                name=replica.name,
                address=replica.address,
                alive=(container := containers.get(replica.name)) is not None and container.status == "running",
                restarts=_restarts(container) if container is not None else 0,
            )
            for replica in wanted.replicas
        ),
    )


def _restarts(container: Any) -> int:
    return int(container.attrs.get("RestartCount", 0))


def _start(container: Any) -> str:
    return f"{container.id} {container.attrs['State']['StartedAt']}"
