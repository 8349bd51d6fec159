"""The signature of an artifact's files in the form of OpenSSF model-signing, made and checked by its own command."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.programs import run
from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.host.python_env import python_for
from infra.releases.signing.keys import PublicKey

LOCK = Path("requirements/signing.txt")
SECONDS = 120.0
REFUSED = "Verification failed"
"""What the command says of a signature that does not hold; anything else is a failure of its own."""


def sign(files: Mapping[str, bytes], private: bytes, root: Path) -> bytes:
    """Return the signature (a sigstore bundle, JSON) of files by name. Raises OutsideError where the command fails."""
    with tempfile.TemporaryDirectory(prefix="gateline-sign-") as scratch:
        folder = Path(scratch)
        key, signature = folder / "key.pem", folder / "model.sig"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(private)
        code, said = _run(root, "sign", "--private_key", key, "--signature", signature, _laid(folder, files))
        if code or not signature.exists():
            raise OutsideError(f"model-signing cannot sign: {_last(said)}", "is GATELINE_SIGNING_KEY a P-256 key?")
        return signature.read_bytes()


def holds(files: Mapping[str, bytes], signature: bytes, key: PublicKey, root: Path) -> bool:
    """Say whether `signature` is that of exactly these files by this key. Raises OutsideError where that cannot be said."""
    with tempfile.TemporaryDirectory(prefix="gateline-verify-") as scratch:
        folder = Path(scratch)
        public, beside = folder / "key.pub", folder / "model.sig"
        public.write_bytes(key.pem)
        beside.write_bytes(signature)
        code, said = _run(root, "verify", "--public_key", public, "--signature", beside, _laid(folder, files))
        if code and REFUSED not in said:
            raise OutsideError(f"model-signing cannot check: {_last(said)}", "run it again")
        return code == 0


def _laid(folder: Path, files: Mapping[str, bytes]) -> Path:
    model = folder / "artifact"
    model.mkdir()
    for name, content in files.items():
        (model / name).write_bytes(content)
    return model


def _last(said: str) -> str:
    return (said.strip().splitlines() or ["it says nothing"])[-1][:300]


def _run(root: Path, what: str, *arguments: str | Path) -> tuple[int, str]:
    argv = [str(python_for(root / LOCK, root)), "-m", "model_signing", what, "key", *map(str, arguments)]
    done = run(argv, passing.variables("install"), seconds=SECONDS)
    return done.code, done.output + done.errors
