"""How replicas, the proxy and the supervisor are started; the supervisor outlives the command that starts it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.slots import State, WantedReplica, WantedSlot
from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.engines.slots import FIXED, PASSED
from infra.host.layout import Layout
from infra.host.processes import Command, opened

LOOPBACK = "127.0.0.1"
VERIFYING = "--verifying"
"""Tells a supervisor that compares what it starts from one of an earlier version, which may still be at work."""
CODE = Path(__file__).resolve().parents[3]
"""The folder that holds the package `infra`."""
START_SECONDS = 15.0


def service(layout: Layout, slot: WantedSlot, replica: WantedReplica, environ: Mapping[str, str]) -> Command:
    """Return how one replica is started: from its bundle, with the environment of its lock, one process on one port."""
    kept = {name: value for name, value in slot.variables.items() if name.startswith("GATELINE_")}
    own = kept | FIXED | {"GATELINE_LOG_DIR": str(layout.predictions)}
    return Command(
        argv=(slot.program, "-m", "service", "--host", LOOPBACK, "--port", str(replica.port)),
        folder=layout.bundle(slot.release.digest),
        variables={name: environ[name] for name in PASSED if name in environ} | own,
    )


def proxy(binary: str, config: Path, state: State, environ: Mapping[str, str], before: int = 0) -> Command:
    """Return how the proxy is started: in the foreground, one process; one that runs (`before`) hands its work over."""
    variables = {name: environ[name] for name in ("PATH", "TZ", "LD_LIBRARY_PATH") if name in environ}
    taking_over = ("-sf", str(before)) if before else ()
    return Command(argv=(binary, "-db", *taking_over, "-f", str(config)), folder=state.runtime, variables=variables)


def supervisor(layout: Layout, environ: Mapping[str, str]) -> Command:
    """Return how the supervisor is started: from the code that the command itself runs."""
    argv = (
        sys.executable, "-m", "infra.engines.process.supervisor",
        "--base", str(layout.base), "--project", layout.project, "--env", layout.environment, VERIFYING,
    )  # fmt: skip
    return Command(argv=argv, folder=CODE, variables=dict(environ))


def start_supervisor(layout: Layout) -> None:
    """Start a supervisor, which detaches itself; secrets of the command stay with the command. Raises OutsideError."""
    command = supervisor(layout, passing.variables("supervisor"))
    layout.predictions.mkdir(parents=True, exist_ok=True)
    log = layout.log("supervisor")
    try:
        with opened(log) as output:
            subprocess.run(
                command.argv, cwd=command.folder, env=dict(command.variables), check=False, timeout=START_SECONDS,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise OutsideError(f"the supervisor did not start within {START_SECONDS:.0f} s", f"see {log}") from None
