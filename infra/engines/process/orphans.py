"""Processes of an environment that no record names, and the port that it listens on: ours, free, or somebody else's.

They were left by a supervisor that died between a start and its record, or by a state that was taken away while they
served, as `git clean -x` takes it.
"""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from gateline.contracts.layout import ENVIRONMENTS
from gateline.contracts.slots import State
from gateline.settings import Environment
from gateline.settings.errors import OutsideError
from infra.engines.process.record import Record
from infra.host import ports
from infra.host.layout import PROXY_CONFIG, Layout
from infra.host.processes import Child, started, wait_until

PROXY_SECONDS, SERVICE_SECONDS = 5.0, 30.0
"""How long running requests may take once their environment is told to go: at the proxy, then in the services."""
PORT_SECONDS = 2.0
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Orphans:
    """What serves for an environment whose state is gone."""

    proxies: Sequence[psutil.Process]
    services: Sequence[psutil.Process]

    def end(self) -> None:
        """Let running requests end, then end everything."""
        for number, processes, seconds in (
            (signal.SIGUSR1, self.proxies, PROXY_SECONDS),
            (signal.SIGTERM, self.services, SERVICE_SECONDS),
        ):
            children = [_child(one) for one in processes]
            for told, patience in ((number, seconds), (signal.SIGKILL, PROXY_SECONDS)):
                for child in children:
                    child.send(told)
                wait_until(lambda these=children: not any(child.alive() for child in these), patience)  # type: ignore[misc]


def orphans(layout: Layout) -> Orphans | None:
    """Return what serves for an environment whose state is gone; None where there is a state, or no proxy of it lives."""
    if layout.state.exists():
        return None
    found = Orphans(*_processes(layout))
    return found if found.proxies else None


def orphaned(layout: Layout, where: Environment) -> str:
    """Say what serves for an environment whose state is gone, in words; '' where there is a state, or nothing serves."""
    found = orphans(layout)
    if found is None:
        return ""
    listening, digests = {port for one in found.proxies for port in _ports(one)}, dict[str, None]()
    for service in found.services:
        try:
            digests |= dict.fromkeys(DIGEST.findall(service.cwd())[:1])
        except (psutil.Error, OSError):
            continue
    running = f"release {', '.join(digest[:12] for digest in digests)}" if digests else "no known release"
    count = f"{len(found.services)} service process{'' if len(found.services) == 1 else 'es'}"
    return (
        f"port {', '.join(map(str, sorted(listening) or (where.port,)))} is held by this project's own environment "
        f"{layout.environment}: process {found.proxies[0].pid} (haproxy) with {count} of {running} still serves, "
        f"but its state, {layout.state}, is gone (removed by hand, or by a fresh checkout)"
    )


def refuse_orphans(layout: Layout, where: Environment) -> None:
    """Refuse to begin an environment whose state is gone while it still serves: nothing is taken from under its clients.

    Raises OutsideError naming what serves, and how to go on.
    """
    told, name = orphaned(layout, where), layout.environment
    if told:
        raise OutsideError(
            f"{told}; nothing was touched",
            f"put {layout.folder} back if there is a copy; else end what serves with `invoke down --env={name}`, "
            "then run this command again. To keep the state where no checkout cleans it, set "
            f"environments.{name}.state to a folder outside the checkout (docs/ci.md)",
        )


def end_strays(layout: Layout, record: Record) -> bool:
    """End what serves for this environment and is not in the record; return whether there was such."""
    known = {seen.pid for seen in (*record.replicas.values(), *record.leaving.values(), record.proxy) if seen}
    proxies, services = _processes(layout)
    found = [_child(one) for one in (*proxies, *services) if one.pid not in known]
    for child in found:
        child.send(signal.SIGKILL)
    return bool(found)


def free_the_port(layout: Layout, where: Environment, state: State, record: Record) -> None:
    """Return when the environment may listen; what it left there itself without a record is ended.

    Raises OutsideError naming who else listens. Another environment that serves there is nothing to end: its state is
    elsewhere, in another checkout, or in this one under another setting.
    """
    ours = record.proxied and (state.host, state.port) == (where.host, where.port)
    if ours or ports.is_free(where.host, where.port):
        return
    if end_strays(layout, record) and wait_until(lambda: ports.is_free(where.host, where.port), PORT_SECONDS):
        return
    name = layout.environment
    folder = _environment_at(where.port)
    if folder is not None:
        raise OutsideError(
            f"port {where.port} of {name} is held by the environment {folder.name} that keeps its state in "
            f"{folder}, and it serves; nothing was touched",
            f"use another port (environments.{name}.port); or, if that is this environment before its state was "
            f"moved: set environments.{name}.state back to go on with it, or end it with invoke down first",
        )
    raise OutsideError(
        f"port {where.port} of {name} is taken by {ports.holder(where.port)}",
        f"end that, or use another port: environments.{name}.port, or GATELINE_PORT_{name.upper().replace('-', '_')}",
    )


def _environment_at(port: int) -> Path | None:
    """Return the folder of the environment, of any checkout, whose proxy listens on a port; None where none does."""
    found = ports.listener(port)
    try:
        line = found.cmdline() if found is not None else []
    except psutil.Error:
        return None
    config = Path(line[-1]) if line[-2:-1] == ["-f"] else Path()
    return config.parent if (config.name, config.parent.parent.name) == (PROXY_CONFIG, ENVIRONMENTS) else None


def _processes(layout: Layout) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Return the proxies and the services that were started for this environment, each the leader of a session."""
    proxies, services = [], []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if line[-2:] == ["-f", str(layout.proxy_config)]:
            proxies.append(process)
        elif line[1:3] == ["-m", "service"]:
            try:
                if process.environ().get("GATELINE_LOG_DIR") == str(layout.predictions):
                    services.append(process)
            except psutil.Error:
                continue
    return proxies, services


def _child(process: psutil.Process) -> Child:
    return Child(process.pid, started(process.pid))


def _ports(process: psutil.Process) -> list[int]:
    try:
        return [one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    except psutil.Error:
        return []
