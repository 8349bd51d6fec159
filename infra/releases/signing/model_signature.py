"""The signature of an artifact's files in the form of OpenSSF model-signing, made and checked by its own command."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateline.contracts.programs import Ran, run
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
    with _laid_out(files) as folder:
        key, signature = folder / "key.pem", folder / "model.sig"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(private)
        done = _run(root, "sign", "--private_key", key, "--signature", signature, folder / "artifact")
        if done.code or not signature.exists():
            raise OutsideError(f"model-signing cannot sign: {_last(done)}", "is GATELINE_SIGNING_KEY a P-256 key?")
        return signature.read_bytes()


def holds(files: Mapping[str, bytes], signature: bytes, key: PublicKey, root: Path) -> bool:
    """Say whether `signature` is that of exactly these files by this key. Raises OutsideError where that cannot be said."""
    with _laid_out(files) as folder:
        (folder / "key.pub").write_bytes(key.pem)
        (folder / "model.sig").write_bytes(signature)
        named = ("--public_key", folder / "key.pub", "--signature", folder / "model.sig")
        done = _run(root, "verify", *named, folder / "artifact")
        if done.code and REFUSED not in done.output + done.errors:
            raise OutsideError(f"model-signing cannot check: {_last(done)}", "run it again")
        return done.code == 0


@contextmanager
def _laid_out(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Yield a folder of its own, with these files in `artifact/`."""
    with tempfile.TemporaryDirectory(prefix="gateline-sign-") as scratch:
        folder = Path(scratch)
        (folder / "artifact").mkdir()
        for name, content in files.items():
            (folder / "artifact" / name).write_bytes(content)
        yield folder


def _run(root: Path, what: str, *arguments: str | Path) -> Ran:
    argv = [str(python_for(root / LOCK, root)), "-m", "model_signing", what, "key", *map(str, arguments)]
    return run(argv, passing.variables("install"), seconds=SECONDS)


def _last(done: Ran) -> str:
    return ((done.output + done.errors).strip().splitlines() or ["it says nothing"])[-1][:300]
