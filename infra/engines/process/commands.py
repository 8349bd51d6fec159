"""The command lines of the process engine, built purely."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.release import Release
from gateline.contracts.state import State, WantedReplica, WantedSlot
from gateline.settings import Environment
from infra.engines.process.place import Place
from infra.host.child import Command

LOOPBACK = "127.0.0.1"
PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""The variables of the host that a service sees; everything else stays outside."""
VERIFYING = "--verifying"
"""Tells a supervisor that compares what it starts from one of an earlier version, which may still be at work."""
EVERYWHERE = ("0.0.0.0", "::", "*")  # nosec B104: no bind, what an environment that listens everywhere is set to
FIXED = {
    "GATELINE_WORKERS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
"""What every service process gets, also on trial: one worker, one thread a prediction, nothing written into its bundle."""
CODE = Path(__file__).resolve().parents[3]
"""The folder that holds the room `infra`."""


def service(place: Place, slot: WantedSlot, replica: WantedReplica, environ: Mapping[str, str]) -> Command:
    """Return how one replica is started: from its bundle, with the environment of its lock, one process on one port."""
    kept = {name: value for name, value in slot.variables.items() if name.startswith("GATELINE_")}
    own = kept | FIXED | {"GATELINE_LOG_DIR": str(place.predictions)}
    return Command(
        argv=(slot.program, "-m", "service", "--host", LOOPBACK, "--port", str(replica.port)),
        folder=place.bundle(slot.release.digest),
        variables={name: environ[name] for name in PASSED if name in environ} | own,
    )


def given(where: Environment, token: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the services of an environment keep, also when they are restarted.

    The environment's `token` (a new one where there is none) marks made-up rows. Where the environment listens everywhere,
    they are called by this machine's name as well, or that of the machine where the daemon is.
    """
    names = [where.host]
    if where.host in EVERYWHERE:
        names = ["0.0.0.0", socket.gethostname(), urlsplit(where.docker.host).hostname or ""]  # nosec B104: no bind
    own = {TOKEN_VARIABLE: token or secrets.token_hex(16), "GATELINE_HOSTS": ",".join(filter(None, names))}
    redis = environ.get("GATELINE_REDIS_URL")
    return own | ({"GATELINE_REDIS_URL": redis} if redis else {})


def proxy(binary: str, config: Path, state: State, environ: Mapping[str, str], before: int = 0) -> Command:
    """Return how the proxy is started: in the foreground, one process; one that runs (`before`) hands its work over."""
    variables = {name: environ[name] for name in ("PATH", "TZ", "LD_LIBRARY_PATH") if name in environ}
    taking_over = ("-sf", str(before)) if before else ()
    return Command(argv=(binary, "-db", *taking_over, "-f", str(config)), folder=state.runtime, variables=variables)


def supervisor(place: Place, environ: Mapping[str, str]) -> Command:
    """Return how the supervisor is started: from the code that the command itself runs."""
    argv = (
        sys.executable, "-m", "infra.engines.process.supervisor",
        "--base", str(place.base), "--project", place.project, "--env", place.environment, VERIFYING,
    )  # fmt: skip
    return Command(argv=argv, folder=CODE, variables=dict(environ))


def workers(release: Release, environ: Mapping[str, str]) -> int:
    """Return how many processes a replica has: as the release says, unless the environment of the command says otherwise."""
    return int(environ.get("GATELINE_WORKERS") or release.service.workers)
