"""The control of a running proxy: what it is asked and told, by every engine alike, over the engine's own way to it."""

import csv
import io
import socket
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.haproxy.configuration import (
    BACKEND,
    CONTROLLER,
    DEAD_PORT,
    FRONTEND,
    HEARTBEATS,
    guarded,
    server_lines,
    server_weights,
)

SECONDS = 2.0
ATTEMPTS = 3
DRAIN_POLL_SECONDS = 0.02
ANSWERS = ("2xx", "3xx", "4xx", "5xx")
PASSED_CHECKS = {"L4OK", "L6OK", "L7OK"}
TIMED_OUT = {"L4TOUT", "L6TOUT", "L7TOUT"}
Ask = Callable[[str], str]
"""Sends commands, separated by `; `, to a proxy's control socket and returns all it says. Raises OutsideError."""


@dataclass(frozen=True)
class Server:
    """One replica as the proxy sees it."""

    name: str
    up: bool
    """Whether it takes requests, if its weight lets it."""
    passed: bool
    """Whether its last health check passed; a server that was not checked yet has not."""
    weight: int
    current: int
    """Requests in flight."""
    requests: float
    errors: float
    """Answers with a 5xx status, failed connections and connections that ended without an answer."""
    last_check: str
    timed_out: bool = False
    """Whether its last check ended without an answer: it accepts and says nothing."""
    since: float = 0.0
    """For how many seconds it has been up, or down."""

    @property
    def hangs(self) -> bool:
        """Whether it is out because it answers nothing, though it lives."""
        return self.timed_out and not self.up


def asking(where: Path | tuple[str, int]) -> Ask:
    """Return the way to a control socket of this machine: a path, or host and port. Each question opens a connection."""

    def ask(commands: str) -> str:
        family, address = (socket.AF_UNIX, str(where)) if isinstance(where, Path) else (socket.AF_INET, where)
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(address)
                connection.sendall(f"{commands}\n".encode())
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        except OSError as error:
            raise OutsideError(f"the proxy does not answer on {where}: {error}", "invoke up replaces one that hangs") from None

    return ask


class Control:
    """Speaks to one running proxy. Every call raises OutsideError if it does not answer."""

    def __init__(self, ask: Ask) -> None:
        """Keep the way to it; nothing is asked."""
        self.ask = ask

    def servers(self) -> dict[str, Server]:
        """Return the proxy's servers by name."""
        return {row["svname"]: _server(row) for row in self._statistics(f"{BACKEND} 4")}

    def answers(self) -> dict[str, float]:
        """Return how many requests clients were answered since the proxy started, by status class: `2xx` to `5xx`."""
        return {
            name: float(row[f"hrsp_{name}"] or 0) for row in self._statistics(f"{FRONTEND} 1") for name in ANSWERS
        }

    def _statistics(self, what: str) -> list[dict[str, str]]:
        return [*csv.DictReader(io.StringIO(self.ask(f"show stat {what} -1").lstrip("# ").strip()))]

    def agree(self, state: State) -> Mapping[str, Server]:
        """Bring servers, weights and guards to what the state says; return the servers. Raises where it does not follow."""
        said = ""
        for _ in range(ATTEMPTS):
            servers = self.servers()
            rows = (line.split() for line in self.ask(f"show map {state.guards}").splitlines())
            told = differences(state, servers, {row[1] for row in rows if len(row) == 3})
            if not told:
                return servers
            said = self.ask("; ".join(told)).strip()
        raise OutsideError(f"the proxy does not follow: {said}", "invoke status --logs")

    def release(self, name: str, state: State, forced: bool) -> bool:
        """Go one step to let a server go: no new requests, then none in flight (`forced` ends them), then it is forgotten.

        Return True once the proxy does not know it.
        """
        server = self.servers().get(name)
        if server is None:
            return True
        if server.up:
            self.ask(f"set server {BACKEND}/{name} state drain")
        elif server.current == 0 or forced:
            self.ask("; ".join([*removal(name, forced), f"del map {state.guards} {name}"]))
        return False

    def drain(self, name: str, state: State) -> None:
        """Let a server finish its requests, for as long as the state allows, and return when it is forgotten."""
        deadline = time.monotonic() + state.drain_seconds
        while not self.release(name, state, forced=time.monotonic() > deadline):
            time.sleep(DRAIN_POLL_SECONDS)

    def mark_down(self, name: str) -> None:
        """Take a dead server out before its next check; a check that passes brings it back."""
        self.ask(_down(name))

    def beat(self) -> None:
        """Say that the controller of a guarded slot is alive."""
        self.ask(f"set table {HEARTBEATS} key {CONTROLLER} data.gpt0 1")


def share(names: Set[str], servers: Mapping[str, Server]) -> float:
    """Return the share of traffic that these servers get. One that is down gets nothing, even with a weight."""
    taking = {name: server.weight for name, server in servers.items() if server.up}
    total = sum(taking.values())
    return sum(weight for name, weight in taking.items() if name in names) / total if total else 0.0


def differences(state: State, servers: Mapping[str, Server], guards: Set[str]) -> list[str]:
    """Return the commands, in order, that bring servers, weights and guards to what the state says; empty if they agree.

    Servers that the state does not name are not touched here: they are drained. A new server starts as down, and takes
    requests only after its first check has passed. Weights are raised before others are lowered: at no moment has every
    server weight zero.
    """
    weights, hung, table = server_weights(state), guarded(state), state.guards
    commands = [f"add map {table} {name} {DEAD_PORT}" for name in sorted(hung - guards)]
    commands += [f"del map {table} {name}" for name in sorted((guards & weights.keys()) - hung)]
    for name, line in server_lines(state, weights).items():
        if name not in servers:
            server = f"{BACKEND}/{name}"
            commands += [f"add server {server} {line}", f"enable health {server}", _down(name), f"enable server {server}"]
    changed = [name for name, weight in weights.items() if name in servers and servers[name].weight != weight]
    changed.sort(key=lambda name: servers[name].weight > weights[name])
    return commands + [f"set server {BACKEND}/{name} weight {weights[name]}" for name in changed]


def removal(name: str, forced: bool) -> list[str]:
    """Return the commands that take a drained server out; `forced` ends the requests that still run."""
    cut = [f"shutdown sessions server {BACKEND}/{name}"] if forced else []
    return [f"set server {BACKEND}/{name} state maint", *cut, f"del server {BACKEND}/{name}"]


def _down(name: str) -> str:
    return f"set server {BACKEND}/{name} health down"


def _server(row: dict[str, str]) -> Server:
    def number(name: str) -> float:
        return float(row.get(name) or 0)

    check = row["check_status"].removeprefix("* ")
    return Server(
        name=row["svname"],
        up=row["status"].startswith("UP"),
        passed=check in PASSED_CHECKS,
        weight=int(number("weight")),
        current=int(number("scur")),
        requests=number("stot"),
        errors=number("hrsp_5xx") + number("econ") + number("eresp"),
        timed_out=check in TIMED_OUT,
        since=number("lastchg"),
        last_check=" ".join(part for part in (row["check_status"], row.get("last_chk", "")) if part),
    )
