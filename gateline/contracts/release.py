"""A release: an artifact packed with the service to run; its image, where it runs in containers; what it was made from.

What was made from what is an in-toto Statement v1: https://github.com/in-toto/attestation/tree/main/spec/v1.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from gateline.contracts.manifest import NAME, Moment
from gateline.settings import Service

RELEASE_FILE = "release.json"
ARTIFACT_FOLDER = "artifact"
SCORER_FILE = "scorer.py"
"""At the top of a bundle that has a fast path: plain Python that scores a row as the model does."""
PACKED = ("service", "model", "gateline.contracts", "gateline.registry", "gateline.settings")
"""Our packages that a release holds."""
FORMER = ("contracts", "settings")
"""What a copy that was made before they had `gateline.` before them imports; packed where they are."""
TRUSTED_FILE = "trusted.json"
"""Besides them, where the checkout names any: the types that the model may name beyond the list (`[model] trusted`)."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""What the envelope of a statement says of its payload."""
PROVENANCE = "https://slsa.dev/provenance/v1"
"""The predicate of https://slsa.dev/spec/v1.0/provenance."""


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
    scorer: Literal["scikit-learn", "generated"] = "scikit-learn"
    """What scores the rows: the estimator itself, or the Python in `SCORER_FILE` that was generated from it."""
    scorer_reason: str = ""
    """Why scikit-learn scores them, in one sentence."""

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`scorer` came later: a release without a fast path keeps the digest that it had, and older code reads it."""
        defaults = {"scorer": "scikit-learn", "scorer_reason": ""}
        return {key: value for key, value in dump(self).items() if key not in defaults or value != defaults[key]}

    @property
    def name(self) -> str:
        """`version` and the start of the digest: two releases of one model with different service code differ."""
        return f"{self.version}+{self.digest[:8]}"

    @property
    def scoring(self) -> str:
        """What scores its rows, and why, in words."""
        if self.scorer == "generated":
            return f"{SCORER_FILE} scores, without scikit-learn"
        return f"scikit-learn scores: {self.scorer_reason}" if self.scorer_reason else "scikit-learn scores"


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


class Resource(BaseModel):
    """One thing that a statement names (in-toto ResourceDescriptor): `digest` holds hex digests by algorithm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)


class Statement(BaseModel):
    """Subjects, and a predicate about all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Resource, ...]
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]

    def names(self, digest: str) -> bool:
        """Say whether a subject has this hex digest."""
        return any(digest in subject.digest.values() for subject in self.subject)

    def byproduct(self, name: str) -> Resource | None:
        """Return what a provenance statement names as made on the way, or None."""
        listed = self.predicate.get("runDetails", {}).get("byproducts", [])
        return next((Resource.model_validate(found) for found in listed if found.get("name") == name), None)
