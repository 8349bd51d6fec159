"""How replicas, the proxy and the supervisor are started; the supervisor outlives the command that starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.state import State, WantedReplica, WantedSlot
from gateline.settings import passing
from infra.engines.serving import FIXED, PASSED
from infra.host.child import Command
from infra.host.layout import Layout
from infra.host.logs import opened

LOOPBACK = "127.0.0.1"
VERIFYING = "--verifying"
"""Tells a supervisor that compares what it starts from one of an earlier version, which may still be at work."""
CODE = Path(__file__).resolve().parents[3]
"""The folder that holds the room `infra`."""
START_SECONDS = 15.0


def service(place: Layout, slot: WantedSlot, replica: WantedReplica, environ: Mapping[str, str]) -> Command:
    """Return how one replica is started: from its bundle, with the environment of its lock, one process on one port."""
    kept = {name: value for name, value in slot.variables.items() if name.startswith("GATELINE_")}
    own = kept | FIXED | {"GATELINE_LOG_DIR": str(place.predictions)}
    return Command(
        argv=(slot.program, "-m", "service", "--host", LOOPBACK, "--port", str(replica.port)),
        folder=place.bundle(slot.release.digest),
        variables={name: environ[name] for name in PASSED if name in environ} | own,
    )


def proxy(binary: str, config: Path, state: State, environ: Mapping[str, str], before: int = 0) -> Command:
    """Return how the proxy is started: in the foreground, one process; one that runs (`before`) hands its work over."""
    variables = {name: environ[name] for name in ("PATH", "TZ", "LD_LIBRARY_PATH") if name in environ}
    taking_over = ("-sf", str(before)) if before else ()
    return Command(argv=(binary, "-db", *taking_over, "-f", str(config)), folder=state.runtime, variables=variables)


def supervisor(place: Layout, environ: Mapping[str, str]) -> Command:
    """Return how the supervisor is started: from the code that the command itself runs."""
    argv = (
        sys.executable, "-m", "infra.engines.process.supervisor",
        "--base", str(place.base), "--project", place.project, "--env", place.environment, VERIFYING,
    )  # fmt: skip
    return Command(argv=argv, folder=CODE, variables=dict(environ))


def start_supervisor(place: Layout) -> None:
    """Start a supervisor, which detaches itself; secrets of the command stay with the command."""
    command = supervisor(place, passing.variables("supervisor"))
    place.predictions.mkdir(parents=True, exist_ok=True)
    with opened(place.log("supervisor")) as output:
        subprocess.run(
            command.argv,
            cwd=command.folder,
            env=dict(command.variables),
            check=False,
            timeout=START_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
