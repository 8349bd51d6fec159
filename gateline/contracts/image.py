"""A release image: a release, the libraries of its lock and a base, as one file system that containers start from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Image(BaseModel):
    """One image of one release for one platform. `id` is what was tested and what runs; a tag may move, an id does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    """The release's digest."""
    platform: str
    """Such as `linux/amd64`."""
    id: str
    """`sha256:…` of the image's configuration, as the engine names it."""
    files: str
    """Digest of the list of files: path, mode, owner and SHA-256 of each."""
    base: str
    base_id: str
    """The base's own id: a name that is no digest may mean another image later."""
    dockerfile: str
    """SHA-256 of the Dockerfile that made it."""
    tags: tuple[str, ...]
    builder: str
    size: int
    """Bytes, the base's included."""
    base_size: int
    created: str
    pushed: str = ""
    """`repository@sha256:…` once it was pushed."""

    @property
    def slug(self) -> str:
        """The platform as part of a file name."""
        return self.platform.replace("/", "-")
