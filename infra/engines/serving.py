"""How a release's service is run, by whichever engine: the variables that it gets, and how many processes answer."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.release import Release
from gateline.settings import Environment

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""The variables of the host that a service sees; everything else stays outside."""
EVERYWHERE = ("0.0.0.0", "::", "*")  # nosec B104: no bind, what an environment that listens everywhere is set to
FIXED = {
    "GATELINE_WORKERS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
"""What every service process gets, also on trial: one worker, one thread a prediction, nothing written into its bundle."""


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


def workers(release: Release, environ: Mapping[str, str]) -> int:
    """Return how many processes a replica has: as the release says, unless the environment of the command says otherwise."""
    return int(environ.get("GATELINE_WORKERS") or release.service.workers)
