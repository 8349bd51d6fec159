"""What is really running, put together from the state, the record, the processes and the proxy."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.slots import Slot
from infra.engines.engine import Replica, Running, SlotStatus
from infra.process.record import Record
from infra.process.state import State, WantedReplica
from infra.process.stats import Server, StatsSocket
from settings.errors import OutsideError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # nosec B104: no bind, an address to show


def running(state: State, record: Record) -> Running:
    """Return what runs now. Nothing that is down is an error here."""
    servers = seen_by_proxy(state, record)
    return Running(
        environment=state.environment,
        url=f"http://{_address(state.host)}:{state.port}",
        proxy_alive=servers is not None,
        supervised=record.supervised,
        slots={slot: _slot(state, slot, record, servers or {}) for slot in state.slots},
    )


def _address(host: str) -> str:
    host = EVERYWHERE.get(host, host)
    return f"[{host}]" if ":" in host else host


def seen_by_proxy(state: State, record: Record) -> dict[str, Server] | None:
    """Return the proxy's servers, or None if it does not run or does not answer."""
    if not record.proxied:
        return None
    try:
        return StatsSocket(state.socket).servers()
    except OutsideError:
        return None


def _slot(state: State, slot: Slot, record: Record, servers: Mapping[str, Server]) -> SlotStatus:
    wanted = state.slots[slot]
    return SlotStatus(
        slot=slot,
        release=wanted.release,
        share=_share({replica.name for replica in wanted.replicas}, servers),
        replicas=tuple(_replica(replica, record) for replica in wanted.replicas),
    )


def _share(names: set[str], servers: Mapping[str, Server]) -> float:
    """A server that is down gets nothing, whatever its weight says."""
    taking = {name: server.weight for name, server in servers.items() if server.up}
    total = sum(taking.values())
    return sum(weight for name, weight in taking.items() if name in names) / total if total else 0.0


def _replica(wanted: WantedReplica, record: Record) -> Replica:
    seen = record.replicas.get(wanted.name)
    return Replica(
        name=wanted.name,
        address=f"127.0.0.1:{wanted.port}",
        alive=bool(seen and seen.child()),
        restarts=seen.restarts if seen else 0,
    )
