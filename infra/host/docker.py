"""The Docker daemon: found, connected to, and its failures in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import LogConfig
from requests.exceptions import RequestException

from gateline.settings.errors import OutsideError, first_line
from infra.host.ssh import answers, forwarded

SECONDS = 60.0
CONFLICT = 409
"""The status of an answer to what another command did, or is doing, already."""
DEFAULT = "unix:///var/run/docker.sock"
PIDS = 256
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

LOG = LogConfig(type=LogConfig.types.JSON, config={"max-size": "10m", "max-file": "3"})
HARDENED: dict[str, Any] = {
    "init": True,
    "read_only": True,
    "tmpfs": {"/tmp": "rw,noexec,nosuid,size=64m"},  # nosec B108: a mount of the container's own
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": PIDS,
    "restart_policy": {"Name": "unless-stopped"},
    "log_config": LOG,
}
"""What every container of ours is denied, and that the daemon starts it again.

`init`: a container's first process cannot be ended from inside; so it is one that hands signals on and does nothing else."""

__all__ = ["CONFLICT", "HARDENED", "APIError", "Docker", "ImageNotFound", "NotFound", "connect", "platform_of", "reaching"]

Docker = docker.DockerClient


def connect(host: str) -> Docker:
    """Return a client of the daemon at `host` (`unix://`, `tcp://`, `ssh://`), or where DOCKER_HOST says if it is empty.

    Over `ssh://` the system's own client is used, with its keys and settings; over `tcp://` TLS, as DOCKER_TLS_VERIFY and
    DOCKER_CERT_PATH say. Raises OutsideError where none answers.
    """
    where = host or os.environ.get("DOCKER_HOST") or DEFAULT
    address = forwarded(where) if where.startswith("ssh://") else where
    with reaching(where):
        if address.startswith("unix://") and not answers(Path(address.removeprefix("unix://"))):
            raise DockerException("nothing listens there")
        client = docker.from_env(timeout=int(SECONDS), environment=dict(os.environ) | {"DOCKER_HOST": address})
        client.ping()
        return client


def platform_of(client: Docker) -> str:
    """Return the platform of the daemon's machine, such as `linux/amd64`."""
    with reaching():
        machine = str(client.info()["Architecture"])
    return f"linux/{MACHINES.get(machine, machine)}"


@contextmanager
def reaching(host: str = "") -> Iterator[None]:
    """Turn what the SDK raises into one error with a next step; `NotFound` and `ImageNotFound` are left to the caller."""
    try:
        yield
    except NotFound:
        raise
    except APIError as error:
        raise OutsideError(f"docker: {first_line(error)}", "invoke status --logs, and the daemon's own log") from error
    except (DockerException, RequestException, OSError) as error:
        raise OutsideError(
            f"no Docker daemon answers{f' at {host}' if host else ''}: {first_line(error)}",
            "start it, or name another in pipeline.toml (environments.<name>.docker.host) or DOCKER_HOST",
        ) from error
