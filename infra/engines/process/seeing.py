"""What is really running, put together from the state, the record, the processes and the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx

from gateline.contracts.slots import Slot
from gateline.contracts.state import State, WantedReplica
from gateline.settings.errors import OutsideError
from infra.engines.contract import Replica, Running, SlotStatus, hung_replicas
from infra.engines.measuring import Lives
from infra.engines.process import starting
from infra.engines.process.pulse import Pulse
from infra.engines.process.record import Record, read_record
from infra.haproxy.statistics import Server, StatsSocket, share
from infra.host import ports
from infra.host.layout import Layout
from infra.host.logs import tail

ANSWER_SECONDS = 3.0


def running(state: State, record: Record, pulse: Pulse) -> Running:
    """Return what runs now, and answers: one that hangs does not run. Nothing that is down is an error here."""
    servers, supervised = seen_by_proxy(state, record), record.supervised and pulse.answers(ANSWER_SECONDS)
    slots = {slot: _slot(state, slot, record, servers or {}) for slot in state.slots}
    parts = (("proxy", record.proxied and servers is None), ("supervisor", record.supervised and not supervised))
    return Running(
        environment=state.environment,
        url=f"http://{state.shown}",
        proxy_alive=servers is not None,
        supervised=supervised,
        slots=slots,
        hung=(*(name for name, hangs in parts if hangs), *hung_replicas(slots, servers or {})),
    )


def seen_by_proxy(state: State, record: Record) -> dict[str, Server] | None:
    """Return the proxy's servers, or None if it does not run or does not answer."""
    if not record.proxied:
        return None
    try:
        return StatsSocket(state.socket).servers()
    except OutsideError:
        return None


def lost_ports(state: State, record: Record) -> set[int]:
    """Return the ports of replicas that do not run and could not listen there again."""
    seen = record.replicas
    wanted = [replica for slot in state.slots.values() for replica in slot.replicas]
    idle = [one.port for one in wanted if not (one.name in seen and seen[one.name].child())]
    return {port for port in idle if not ports.is_free(starting.LOOPBACK, port)}


def _slot(state: State, slot: Slot, record: Record, servers: Mapping[str, Server]) -> SlotStatus:
    wanted = state.slots[slot]
    return SlotStatus(
        slot=slot,
        release=wanted.release,
        share=share({replica.name for replica in wanted.replicas}, servers),
        replicas=tuple(_replica(replica, record) for replica in wanted.replicas),
    )


def _replica(wanted: WantedReplica, record: Record) -> Replica:
    seen = record.replicas.get(wanted.name)
    return Replica(
        name=wanted.name,
        address=wanted.address,
        alive=bool(seen and seen.child()),
        restarts=seen.restarts if seen else 0,
    )


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
