"""Keys (ECDSA on the curve P-256, in PEM files), and what they sign (DSSE, https://github.com/secure-systems-lab/dsse).

The private key is named or held by an environment variable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.contracts.digest import of_bytes, short
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Signer, SSlibKey

VARIABLE = "GATELINE_SIGNING_KEY"
NEW = "invoke sign --new-key=~/.keys/release, then name keys/release.pub in [signing] keys"
PUBLIC = Path("keys")
"""Where public keys are kept in a project."""
AGAIN = "do not use it; let it be made and signed again, where it was made first"


@dataclass(frozen=True)
class PublicKey:
    """A key that a release may be signed by, and the file it came from."""

    path: str
    pem: bytes

    @property
    def name(self) -> str:
        """How people tell it from others: its file, and the start of its digest."""
        return f"{self.path} ({short(of_bytes(self.pem))})"

    @property
    def key(self) -> SSlibKey:
        """The key as the library checks with it. Raises UsageError for a file that holds none."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.signer import SSlibKey

        try:
            return SSlibKey.from_crypto(load_pem_public_key(self.pem))
        except Exception as error:  # the libraries raise eight kinds of their own here
            raise UsageError(f"{self.path} holds no public key that can be used: {error}", NEW) from None


def public_keys(settings: Settings, root: Path) -> list[PublicKey]:
    """Return the keys that the settings name; none where signing is off. Raises UsageError for a file that is missing."""
    found = []
    for name in settings.signing.keys:
        try:
            found.append(PublicKey(name, (root / name).read_bytes()))
        except OSError as error:
            raise UsageError(f"signing.keys: {name} cannot be read: {error.strerror}", NEW) from None
    return found


def private_pem(environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the private key that the environment names or holds. Raises UsageError; no message shows any of it."""
    value = environ.get(VARIABLE, "")
    if not value:
        raise UsageError(f"there is no key to sign with: {VARIABLE} is not set", f"set it to a private key's path. {NEW}")
    if value.lstrip().startswith("-----BEGIN"):
        return value.encode()
    try:
        return Path(value).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"the file that {VARIABLE} names cannot be read: {error.strerror}", "correct the path") from None


def signer(pem: bytes, accepted: list[PublicKey]) -> CryptoSigner:
    """Return what signs with a private key. Raises UsageError for one that is none, or whose public half is not accepted."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise UsageError(f"{VARIABLE} holds no private key in PEM without a passphrase", NEW) from None
    if not isinstance(private, EllipticCurvePrivateKey):
        raise UsageError(f"{VARIABLE} holds a key of another kind; allowed: ECDSA, such as P-256", NEW)
    made = CryptoSigner(private)
    if made.public_key.keyid not in {key.key.keyid for key in accepted}:
        known = ", ".join(key.name for key in accepted) or "none"
        raise UsageError(
            f"the public half of {VARIABLE} is none of [signing] keys ({known})",
            "use the private key of one of these; or, if this one may release, name its .pub file there",
        )
    return made


def new_pair(path: Path, root: Path) -> tuple[Path, Path]:
    """Write a private key, for its owner's eyes alone, and the public one into the project: `keys/<name>.pub`.

    Raises UsageError where one of them is there, or where the private one would be in the project.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    path = path.expanduser()
    if path.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path} is in the project: it would be committed", "invoke sign --new-key=~/.keys/release")
    private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = private.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    shown = PUBLIC / f"{path.name}.pub"
    for target, content, mode in ((path, secret, 0o600), (root / shown, public, 0o644)):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(content)
        except FileExistsError:
            raise UsageError(f"{target} is there already: a key is never replaced", "choose another name") from None
    return path, shown


def seal(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """Return the envelope, as JSON, of a payload signed once."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=1).encode()


def open_sealed(data: bytes, payload_type: str, keys: list[PublicKey], what: str) -> tuple[bytes, PublicKey]:
    """Return the payload of an envelope that one of `keys` signed, and that key.

    Raises GateRefused (rule `signature`) for any other.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        envelope = Envelope.from_dict(json.loads(data))
    except Exception as error:  # what was damaged, and how, is anything
        told = f"that of {what} is no signed envelope ({type(error).__name__}: {error})"
        raise GateRefused(told, AGAIN, rule="signature") from None
    if envelope.payload_type != payload_type:
        raise GateRefused(f"that of {what} is about {envelope.payload_type!r}, not {payload_type!r}", AGAIN, rule="signature")
    for key in keys:
        try:
            envelope.verify([key.key], 1)
        except VerificationError:
            continue
        return envelope.payload, key
    known = ", ".join(key.name for key in keys)
    told = f"{what} is not signed by a key of the settings ({known}), or was changed since"
    raise GateRefused(told, AGAIN, rule="signature")
