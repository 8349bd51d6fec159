"""A signed payload: DSSE (https://github.com/secure-systems-lab/dsse), as securesystemslib makes and checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateline.settings.errors import GateRefused
from infra.releases.signing.keys import PublicKey

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

AGAIN = "do not use it; let it be made and signed again, where it was made first"


@dataclass(frozen=True)
class Opened:
    """A payload whose signature holds, and the key that made it."""

    payload: bytes
    key: PublicKey


def seal(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """Return the envelope, as JSON, of a payload signed once."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=1).encode()


def open_sealed(data: bytes, payload_type: str, keys: list[PublicKey], what: str) -> Opened:
    """Return the payload of an envelope that one of `keys` signed. Raises GateRefused (rule `signature`) for any other."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        envelope = Envelope.from_dict(json.loads(data))
    except Exception as error:  # what was damaged, and how, is anything
        raise GateRefused(
            f"that of {what} is no signed envelope ({type(error).__name__}: {error})", AGAIN, rule="signature"
        ) from None
    if envelope.payload_type != payload_type:
        raise GateRefused(f"that of {what} is about {envelope.payload_type!r}, not {payload_type!r}", AGAIN, rule="signature")
    for key in keys:
        try:
            envelope.verify([key.key], 1)
        except VerificationError:
            continue
        return Opened(envelope.payload, key)
    known = ", ".join(key.name for key in keys)
    raise GateRefused(
        f"{what} is not signed by a key of the settings ({known}), or was changed since", AGAIN, rule="signature"
    )
