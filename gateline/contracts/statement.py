"""A statement of what was made from what: in-toto Statement v1 (https://github.com/in-toto/attestation/tree/main/spec/v1)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TYPE: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""What the envelope of a statement says of its payload."""
PROVENANCE = "https://slsa.dev/provenance/v1"
"""The predicate of https://slsa.dev/spec/v1.0/provenance."""


class Resource(BaseModel):
    """One thing that a statement names (in-toto ResourceDescriptor): `digest` holds hex digests by algorithm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)


class Statement(BaseModel):
    """Subjects, and a predicate about all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=TYPE, alias="_type")
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
