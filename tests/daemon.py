"""The Docker daemon that tests and benchmarks use, and how they leave it clean."""

from __future__ import annotations

import contextlib
from typing import Any

from infra.docker.client import Docker, NotFound, connect
from infra.docker.names import Names

BASE = "gateline-base:bookworm"
"""What `.ci/docker` builds; without it the base of the settings is pulled."""


def connected() -> Docker:
    """Return a client of the daemon. Raises OutsideError where none answers."""
    return connect("")


def on_docker(client: Docker, *environments: str) -> dict[str, Any]:
    """Return the settings, by dotted key, that put environments on the daemon."""
    engines = {f"environments.{name}.engine": "docker" for name in environments}
    return engines | ({"image.base": BASE} if client.images.list(name=BASE) else {})


def remove(client: Docker, project: str, *environments: str) -> None:
    """Remove everything of a project from the daemon."""
    for container in client.containers.list(all=True, filters={"label": f"gateline.project={project}"}):
        container.remove(force=True)
    for environment in environments:
        _remove_environment(client, Names(project, environment))
    for image in client.images.list(filters={"label": f"gateline.project={project}"}):
        client.images.remove(str(image.id), force=True)
    helpers = (f"{project}-site:", f"{project}-proxy:")
    for tag in [tag for image in client.images.list() for tag in image.tags if tag.startswith(helpers)]:
        client.images.remove(tag, force=True)


def _remove_environment(client: Docker, names: Names) -> None:
    for volume in (names.runtime, names.predictions):
        with contextlib.suppress(NotFound):
            client.volumes.get(volume).remove(force=True)
    for network in client.networks.list(names=[names.prefix]):
        network.remove()
