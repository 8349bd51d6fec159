"""The audit log's head as a file of its own: kept where anyone who can write the registry cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.contracts.event import Head
from gateline.settings.errors import GateRefused
from infra.releases.signing.keys import VARIABLE, PublicKey, open_sealed, seal

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

KIND = "application/vnd.gateline.audit-head+json"


class Note(BaseModel):
    """Which log, when, and how far it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["application/vnd.gateline.audit-head+json"] = "application/vnd.gateline.audit-head+json"
    project: str
    time: str
    head: Head


def written(note: Note, signer: Signer | None) -> bytes:
    """Return the file of a note, signed where there is something to sign with."""
    plain = note.model_dump_json().encode()
    return seal(plain, KIND, signer) if signer else plain


def read(data: bytes, keys: list[PublicKey], project: str, name: str) -> tuple[Note, PublicKey | None]:
    """Return a note from its file, and the key that signed it; None where nobody did.

    Raises GateRefused for a wrong signature, none where there are keys, another project's log, or no note at all.
    """
    key: PublicKey | None = None
    signed = b'"payloadType"' in data
    if keys and not signed:
        raise GateRefused(
            f"{name} is not signed, and the settings name keys: anyone who can write it could have written it again",
            f"keep one that is signed: {VARIABLE}=… invoke audit --keep=FILE", rule="signature",
        )
    if signed:
        data, key = open_sealed(data, KIND, keys, name)
    try:
        note = Note.model_validate_json(data)
    except ValidationError:
        raise GateRefused(f"{name} holds no audit head", "invoke audit --keep=FILE writes one", rule="chain") from None
    if note.project != project:
        raise GateRefused(f"{name} is about {note.project}, this is {project}", "name the file of this project", rule="chain")
    return note, key
