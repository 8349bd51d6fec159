"""Push an image to its registry, and know it there by the digest of its manifest."""

from __future__ import annotations

from collections.abc import Callable

from gateline.contracts.release import Image
from gateline.settings import Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.host.docker import Docker, reaching


def push(client: Docker, settings: Settings, image: Image, say: Callable[[str], None]) -> Image:
    """Push every tag of an image; return its record with the digest that the registry knows it by.

    Credentials are those of `docker login`. Raises UsageError where no registry is set, OutsideError if it refuses.
    """
    repository = settings.image.repository
    if not repository:
        raise UsageError("image.repository is not set: there is no registry to push to", "set it in pipeline.toml")
    digest = ""
    for name in [f"{repository}:{tag.rpartition(':')[2]}" for tag in image.tags]:
        say(f"pushing {name}")
        with reaching():
            client.images.get(image.id).tag(name)
        digest = _push(client, name) or digest
    if not digest:
        raise OutsideError(
            f"{repository} took the image but did not say its digest", "push it again: invoke build --push"
        )
    return image.model_copy(update={"pushed": f"{repository}@{digest}"})


def _push(client: Docker, tag: str) -> str:
    """Push one tag; return the digest of its manifest, if it is said."""
    digest = ""
    with reaching():
        for line in client.api.push(tag, stream=True, decode=True):
            if "error" in line:
                raise OutsideError(f"{tag} was not taken: {line['error']}", "docker login, then invoke build --push")
            digest = str(line.get("aux", {}).get("Digest", digest))
    return digest
