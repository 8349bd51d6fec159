"""Processes of an environment that no record names: left by a supervisor that died between a start and its record, or by a
state that was taken away while they served, as `git clean -x` takes it.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from gateline.contracts.layout import ENVIRONMENTS
from gateline.contracts.state import State
from infra.engines.process.record import Record
from infra.engines.readiness import wait_until
from infra.haproxy.statistics import Server
from infra.host.alive import started
from infra.host.child import Child
from infra.host.layout import PROXY_CONFIG, Layout
from infra.host.ports import listener

PROXY_SECONDS, SERVICE_SECONDS = 5.0, 30.0
"""How long running requests may take once their environment is told to go: at the proxy, then in the services."""
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Orphans:
    """What serves for an environment whose state is gone."""

    proxies: tuple[Child, ...]
    services: tuple[Child, ...]
    ports: tuple[int, ...]
    """Where the proxies listen."""
    releases: tuple[str, ...]
    """The releases that the services run, by digest, as far as is known."""

    @property
    def described(self) -> str:
        """What serves, in words."""
        what = f"process {self.proxies[0].pid} (haproxy)"
        running = f"release {', '.join(digest[:12] for digest in self.releases)}" if self.releases else "no known release"
        return f"{what} with {len(self.services)} service process{'' if len(self.services) == 1 else 'es'} of {running}"

    def end(self) -> None:
        """Let running requests end, then end everything."""
        for number, children, seconds in (
            (signal.SIGUSR1, self.proxies, PROXY_SECONDS),
            (signal.SIGTERM, self.services, SERVICE_SECONDS),
        ):
            for child in children:
                child.send(number)
            wait_until(lambda these=children: not any(child.alive() for child in these), seconds)  # type: ignore[misc]
            for child in children:
                child.send(signal.SIGKILL)
            wait_until(lambda these=children: not any(child.alive() for child in these), PROXY_SECONDS)  # type: ignore[misc]


def orphans(place: Layout) -> Orphans | None:
    """Return what serves for an environment, found by its command lines; None where no proxy of it lives."""
    proxies, services = _of(place)
    if not proxies:
        return None
    ports = sorted({port for child in proxies for port in _listening(child)})
    digests = {found.group(): None for child in services if (found := DIGEST.search(_folder(child)))}
    return Orphans(tuple(proxies), tuple(services), tuple(ports), tuple(digests))


def environment_at(port: int) -> Path | None:
    """Return the folder of the environment, of whatever checkout, whose proxy listens on a port; None where none does."""
    found = listener(port)
    try:
        line = found.cmdline() if found is not None else []
    except psutil.Error:
        return None
    config = Path(line[-1]) if line[-2:-1] == ["-f"] else Path()
    return config.parent if (config.name, config.parent.parent.name) == (PROXY_CONFIG, ENVIRONMENTS) else None


def end_strays(place: Layout, record: Record) -> list[int]:
    """End what the record does not name, and return their ids."""
    known = {seen.pid for seen in (*record.replicas.values(), *record.leaving.values(), record.proxy) if seen}
    proxies, services = _of(place)
    found = [child for child in (*proxies, *services) if child.pid not in known]
    for child in found:
        child.send(signal.SIGKILL)
    return [child.pid for child in found]


def _of(place: Layout) -> tuple[list[Child], list[Child]]:
    """Return the proxies and the services that were started for this environment, each the leader of a session."""
    listed = list(psutil.process_iter(["cmdline"]))
    proxies = [Child(one.pid, started(one.pid)) for one in listed if _is_proxy(one, place)]
    return proxies, [Child(one.pid, started(one.pid)) for one in listed if _is_service(one, place)]


def _is_proxy(process: psutil.Process, place: Layout) -> bool:
    return (process.info["cmdline"] or [])[-2:] == ["-f", str(place.proxy_config)]


def _is_service(process: psutil.Process, place: Layout) -> bool:
    if (process.info["cmdline"] or [])[1:3] != ["-m", "service"]:
        return False
    try:
        return process.environ().get("GATELINE_LOG_DIR") == str(place.predictions)
    except psutil.Error:
        return False


def _listening(child: Child) -> Iterator[int]:
    try:
        yield from (c.laddr.port for c in _process(child).net_connections("tcp") if c.status == psutil.CONN_LISTEN)
    except psutil.Error:
        return


def _process(child: Child) -> psutil.Process:
    return psutil.Process(child.pid)


def _folder(child: Child) -> str:
    try:
        return _process(child).cwd()
    except (psutil.Error, OSError):
        return ""


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
