"""Keys are made for their owner's eyes, read from where the settings say, and never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from gateline.settings import Settings, load
from gateline.settings.errors import UsageError
from infra.releases.signing.keys import PublicKey, new_pair, private_pem, public_keys, signer

ENCODING = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def settings(*names: str) -> Settings:
    """Return the project's settings with these keys."""
    loaded = load("pipeline.toml", {})
    return loaded.model_copy(update={"signing": loaded.signing.model_copy(update={"keys": names})})


def test_a_pair_is_private_and_fits(tmp_path: Path) -> None:
    private, public = new_pair(tmp_path / "mine" / "release", tmp_path / "project")
    assert (private, public) == (tmp_path / "mine/release", Path("keys/release.pub"))
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    accepted = public_keys(settings(str(public)), tmp_path / "project")
    made = signer(private_pem({"GATELINE_SIGNING_KEY": str(private)}), accepted)
    assert made.public_key.keyid == accepted[0].key.keyid
    assert private_pem({"GATELINE_SIGNING_KEY": private.read_text()}) == private.read_bytes()


@pytest.mark.parametrize("there", ["release", "project/keys/release.pub"])
def test_a_key_is_never_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match=f"{there} is there already"):
        new_pair(tmp_path / "release", tmp_path / "project")
    assert (tmp_path / there).read_text() == "mine"


def test_a_private_key_does_not_come_into_the_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in the project: it would be committed"):
        new_pair(tmp_path / "keys" / "release", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_or_wrong_public_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"signing.keys: none.pub cannot be read: No such file"):
        public_keys(settings("none.pub"), tmp_path)
    with pytest.raises(UsageError, match=r"wrong.pub holds no public key") as caught:
        PublicKey("wrong.pub", b"nonsense").key  # noqa: B018
    assert "invoke sign --new-key" in caught.value.next_step


def test_what_cannot_sign_is_refused_without_showing_it(tmp_path: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(*ENCODING, serialization.NoEncryption())
    locked = ed25519.Ed25519PrivateKey.generate().private_bytes(*ENCODING, serialization.BestAvailableEncryption(b"x"))
    private, _ = new_pair(tmp_path / "stranger", tmp_path / "project")
    _, public = new_pair(tmp_path / "ours", tmp_path / "project")
    accepted = public_keys(settings(str(public)), tmp_path / "project")
    for pem, words in (
        (b"-----BEGIN SECRET", "holds no private key in PEM without a passphrase"),
        (locked, "holds no private key in PEM without a passphrase"),
        (other, "holds a key of another kind; allowed: ECDSA"),
        (private.read_bytes(), r"is none of \[signing\] keys \(.*ours.pub \([0-9a-f]{12}\)\)"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            signer(pem, accepted)
        assert pem.decode()[:40] not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"), [("", "GATELINE_SIGNING_KEY is not set"), ("/none/x", "cannot be read: No such file")]
)
def test_there_is_no_key(value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        private_pem({"GATELINE_SIGNING_KEY": value})
