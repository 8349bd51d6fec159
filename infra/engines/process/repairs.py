"""What `up` found broken, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateline.contracts.state import State
from infra.engines.process.record import Record
from infra.haproxy.statistics import Server


def repairs(
    before: State, after: State, record: Record, servers: Mapping[str, Server], hung: Mapping[str, str] | None = None
) -> list[str]:
    """Return what was not as it should be; nothing if the environment was down on purpose.

    `record` and `servers` are what was seen before anything was repaired, `hung` says by name what lived and answered nothing.
    """
    if before.wanted == "down":
        return []
    return [*_processes(before, record, hung or {}), *_ports(before, after), *_heartbeats(before, servers)]


def _processes(before: State, record: Record, hung: Mapping[str, str]) -> Iterator[str]:
    for name, runs in (("supervisor", record.supervised), ("proxy", record.proxied)):
        if name in hung:
            yield hung[name]
        elif not runs:
            yield f"the {name} had ended; it was started again"
    yield from (told for name, told in hung.items() if name in record.replicas)
    for slot, wanted in before.slots.items():
        seen = [record.replicas.get(replica.name) for replica in wanted.replicas if replica.name not in hung]
        ended = sum(1 for one in seen if not (one and one.child()))
        if ended:
            yield f"{ended} of {len(wanted.replicas)} processes of slot {slot} had ended; started again"


def _ports(before: State, after: State) -> Iterator[str]:
    if (before.host, before.port) != (after.host, after.port):
        yield f"the proxy listened on {before.host}:{before.port}; it was moved to {after.host}:{after.port}"


def _heartbeats(before: State, servers: Mapping[str, Server]) -> Iterator[str]:
    for slot, wanted in before.slots.items():
        seen = [servers[replica.name] for replica in wanted.replicas if replica.name in servers]
        if wanted.guarded and wanted.share > 0 and seen and not any(server.up for server in seen):
            yield f"slot {slot} had lost its heartbeat; the proxy has taken it out of traffic"
