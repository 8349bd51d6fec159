"""The Docker daemon: found, connected to, and its failures in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from settings.errors import OutsideError, first_line

SECONDS = 60.0
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

__all__ = ["APIError", "Docker", "ImageNotFound", "NotFound", "connect", "platform_of", "reaching"]

Docker = docker.DockerClient


def connect(host: str) -> Docker:
    """Return a client of the daemon at `host` (`unix://`, `tcp://`, `ssh://`), or where DOCKER_HOST says if it is empty.

    Over `ssh://` the system's own client is used, with its keys and settings. Raises OutsideError where none answers.
    """
    with reaching(host):
        if host:
            return docker.DockerClient(base_url=host, timeout=int(SECONDS), use_ssh_client=host.startswith("ssh://"))
        return docker.from_env(timeout=int(SECONDS), use_ssh_client=True)


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
        where = host or "DOCKER_HOST or unix:///var/run/docker.sock"
        raise OutsideError(
            f"no Docker daemon answers at {where}: {first_line(error)}",
            "start it, or name another in pipeline.toml (environments.<name>.docker.host) or DOCKER_HOST",
        ) from error
