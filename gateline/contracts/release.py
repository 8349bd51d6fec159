"""A release: an artifact packed with the service to run; and its image, where it runs in containers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateline.contracts.manifest import NAME, Moment
from gateline.settings import Service

RELEASE_FILE = "release.json"
ARTIFACT_FOLDER = "artifact"
PACKED = ("service", "model", "gateline.contracts", "gateline.registry", "gateline.settings")
"""Our packages that a release holds."""
FORMER = ("contracts", "settings")
"""What a copy that was made before they had `gateline.` before them imports; packed where they are."""
TRUSTED_FILE = "trusted.json"
"""Beside them, where the checkout names any: the types that the model may name beyond the list (`[model] trusted`)."""


class Release(BaseModel):
    """What was tested is what runs: `digest` covers every file of the bundle and the lock of its environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    digest: Annotated[str, Field(pattern=f"^$|{NAME}")] = ""
    version: Annotated[str, Field(pattern=NAME)]
    """The artifact's version, shown to people and in every answer."""
    artifact: Annotated[str, Field(pattern=NAME)]
    """The artifact's identity."""
    project: str
    lock: str
    """Digest of the lock that the bundle's environment is built from."""
    python: str
    """`major.minor` of the Python that runs it."""
    service: Service
    commit: Annotated[str, Field(pattern=f"^$|{NAME}")] = ""
    created: Moment = ""

    @property
    def name(self) -> str:
        """`version` and the start of the digest: two releases of one model with different service code differ."""
        return f"{self.version}+{self.digest[:8]}"


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
