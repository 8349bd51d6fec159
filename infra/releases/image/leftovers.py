"""Helper images (libraries, proxies) that no later build will find again: a daemon's disk is not ours to fill."""

from __future__ import annotations

from infra.host.docker import APIError, Docker, reaching

KEPT = 2
"""The newest of each kind stay: the one in use, and the one to go back to."""


def remove_older(client: Docker, repository: str) -> list[str]:
    """Remove all but the newest images named `repository:…`; return their names. One that a container uses stays."""
    with reaching():
        listed = client.images.list(name=repository)
    newest_first = sorted(listed, key=lambda image: str(image.attrs["Created"]), reverse=True)
    return [tag for image in newest_first[KEPT:] for tag in image.tags if _removed(client, tag)]


def _removed(client: Docker, tag: str) -> bool:
    try:
        client.images.remove(tag)
    except APIError:
        return False
    return True
