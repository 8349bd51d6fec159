"""The Docker daemon that tests and benchmarks use, and how they leave it clean."""

from __future__ import annotations

from typing import Any

from infra.engines.docker import daemon
from infra.engines.docker.labels import Names
from infra.host.docker import Docker, connect, images

BASE = "gateline-base:bookworm"
"""What `.ci/docker` builds; without it the base of the settings is pulled."""


def connected() -> Docker:
    """Return a client of the daemon. Raises OutsideError where none answers."""
    return connect("")


def on_docker(client: Docker, *environments: str) -> dict[str, Any]:
    """Return the settings, by dotted key, that put environments on the daemon."""
    engines = {f"environments.{name}.engine": "docker" for name in environments}
    return engines | ({"image.base": BASE} if images(client, BASE) else {})


def remove(client: Docker, project: str, *environments: str) -> None:
    """Remove everything of a project from the daemon."""
    for environment in environments:
        daemon.remove(client, Names(project, environment))
