"""The port that an environment listens on: ours, free, or somebody else's."""

from __future__ import annotations

from gateline.contracts.state import State
from gateline.settings import Environment
from gateline.settings.errors import OutsideError
from infra.engines.process.record import Record
from infra.engines.process.strays import end_strays, environment_at, orphans
from infra.engines.readiness import wait_until
from infra.host import ports
from infra.host.layout import Layout

SECONDS = 2.0


def refuse_orphans(place: Layout, where: Environment) -> None:
    """Refuse to begin an environment whose state is gone while it still serves: nothing is taken from under its clients.

    Raises OutsideError naming what serves, and how to go on.
    """
    told = orphaned(place, where)
    if told:
        raise OutsideError(
            f"{told}; nothing was touched",
            f"put {place.folder} back if there is a copy; else end what serves with `invoke down --env={place.environment}`, "
            "then run this command again. To keep the state where no checkout cleans it, set "
            f"environments.{place.environment}.state to a folder outside the checkout (docs/ci.md)",
        )


def orphaned(place: Layout, where: Environment) -> str:
    """Say what serves for an environment whose state is gone, in words; '' where there is a state, or nothing serves."""
    found = None if place.state.exists() else orphans(place)
    if found is None:
        return ""
    listening = ", ".join(map(str, found.ports or (where.port,)))
    return (
        f"port {listening} is held by this project's own environment {place.environment}: {found.described} still serves, "
        f"but its state, {place.state}, is gone (removed by hand, or by a fresh checkout)"
    )


def free_the_port(place: Layout, where: Environment, state: State, record: Record) -> None:
    """Return when the environment may listen; what it left there itself without a record is ended.

    Raises OutsideError naming who else listens; another environment that serves there is nothing to end.
    """
    ours = record.proxied and (state.host, state.port) == (where.host, where.port)
    if ours or ports.is_free(where.host, where.port):
        return
    if end_strays(place, record) and wait_until(lambda: ports.is_free(where.host, where.port), SECONDS):
        return
    _refuse_another(place, where)
    variable = f"GATELINE_PORT_{place.environment.upper().replace('-', '_')}"
    raise OutsideError(
        f"port {where.port} of {place.environment} is taken by {ports.holder(where.port)}",
        f"end that, or use another port: environments.{place.environment}.port, or {variable}",
    )


def _refuse_another(place: Layout, where: Environment) -> None:
    """An environment whose state is elsewhere serves on: of another checkout, or of this one under another setting."""
    folder = environment_at(where.port)
    if folder is not None:
        raise OutsideError(
            f"port {where.port} of {place.environment} is held by the environment {folder.name} that keeps its state in "
            f"{folder}, and it serves; nothing was touched",
            f"use another port (environments.{place.environment}.port); or, if that is this environment before its state was "
            f"moved: set environments.{place.environment}.state back to go on with it, or end it with invoke down first",
        )
