"""What to tell a running proxy so that it agrees with the state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.state import State
from infra.haproxy.configuration import (
    BACKEND,
    CONTROLLER,
    DEAD_PORT,
    HEARTBEATS,
    guarded,
    server_lines,
    server_weights,
)
from infra.haproxy.statistics import Server


def differences(state: State, servers: Mapping[str, Server], guards: set[str]) -> list[str]:
    """Return the commands, in order, that bring servers, weights and guards to what the state says; empty if they agree.

    Servers that the state does not name are not touched here: they are drained.
    """
    wanted = server_weights(state)
    return [
        *_guard_changes(guarded(state), guards & wanted.keys(), state.guards),
        *_additions(state, wanted, servers),
        *_weight_changes(wanted, servers),
    ]


def drain(name: str) -> list[str]:
    """Return the command that sends a server no new requests."""
    return [f"set server {BACKEND}/{name} state drain"]


def remove(name: str, forced: bool) -> list[str]:
    """Return the commands that take a drained server out; `forced` ends the requests that still run."""
    cut = [f"shutdown sessions server {BACKEND}/{name}"] if forced else []
    return [f"set server {BACKEND}/{name} state maint", *cut, f"del server {BACKEND}/{name}"]


def forget_guards(names: list[str], table: Path) -> list[str]:
    """Return the commands that unguard servers."""
    return [f"del map {table} {name}" for name in names]


def beat() -> list[str]:
    """Return the command that says that the controller is alive."""
    return [f"set table {HEARTBEATS} key {CONTROLLER} data.gpt0 1"]


def mark_down(name: str) -> list[str]:
    """Return the command that takes a dead server out before its next check; a passing check brings it back."""
    return [f"set server {BACKEND}/{name} health down"]


def _additions(state: State, wanted: Mapping[str, int], servers: Mapping[str, Server]) -> list[str]:
    """A new server starts as down, and takes requests only after its first check has passed."""
    commands = []
    for name, line in server_lines(state, wanted).items():
        if name not in servers:
            server = f"{BACKEND}/{name}"
            commands += [
                f"add server {server} {line}",
                f"enable health {server}",
                *mark_down(name),
                f"enable server {server}",
            ]
    return commands


def _weight_changes(wanted: Mapping[str, int], servers: Mapping[str, Server]) -> list[str]:
    """Raise before lowering: at no moment has every server weight zero."""
    changed = {name: weight for name, weight in wanted.items() if name in servers and servers[name].weight != weight}
    first_raised = sorted(changed, key=lambda name: servers[name].weight > changed[name])
    return [f"set server {BACKEND}/{name} weight {changed[name]}" for name in first_raised]


def _guard_changes(wanted: set[str], present: set[str], table: Path) -> list[str]:
    added = [f"add map {table} {name} {DEAD_PORT}" for name in sorted(wanted - present)]
    return added + forget_guards(sorted(present - wanted), table)
