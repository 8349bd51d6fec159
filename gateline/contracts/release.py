"""A release: an artifact packed with the service to run."""

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
