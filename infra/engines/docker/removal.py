"""Take an environment off its daemon: containers, network, volumes and state, and the images that nothing else needs."""

from __future__ import annotations

import contextlib

from infra.engines.docker.names import ENVIRONMENT, PROJECT, Names
from infra.host.docker import Docker, NotFound, reaching


def remove(client: Docker, names: Names) -> None:
    """Remove everything of one environment; with its last environment, a project's images go as well."""
    ours = f"{PROJECT}={names.project}"
    with reaching():
        for container in client.containers.list(
            all=True, filters={"label": [ours, f"{ENVIRONMENT}={names.environment}"]}, ignore_removed=True
        ):
            with contextlib.suppress(NotFound):
                container.remove(force=True)
        for volume in (names.runtime, names.predictions):
            with contextlib.suppress(NotFound):
                client.volumes.get(volume).remove(force=True)
        for network in client.networks.list(names=[names.prefix]):
            if network.name == names.prefix:
                network.remove()
        if not client.containers.list(all=True, filters={"label": ours}, ignore_removed=True):
            _remove_images(client, names.project)


def _remove_images(client: Docker, project: str) -> None:
    for image in client.images.list(filters={"label": f"{PROJECT}={project}"}):
        client.images.remove(str(image.id), force=True)
    helpers = (f"{project}-site:", f"{project}-proxy:")
    for tag in [tag for image in client.images.list() for tag in image.tags if tag.startswith(helpers)]:
        client.images.remove(tag, force=True)
