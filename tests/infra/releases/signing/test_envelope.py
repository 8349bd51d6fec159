"""A signed payload opens with its key alone, and not after a change."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateline.settings.errors import GateRefused
from infra.releases.signing.keys import PublicKey, new_pair, open_sealed, seal, signer

KIND = "application/vnd.in-toto+json"


def pair(folder: Path, name: str) -> tuple[bytes, PublicKey]:
    """Return a new private key and its public half."""
    private, public = new_pair(folder / name, folder / "project")
    return private.read_bytes(), PublicKey(name, (folder / "project" / public).read_bytes())


def test_it_opens_with_one_of_the_keys(tmp_path: Path) -> None:
    (private, ours), (_, other) = pair(tmp_path, "ours"), pair(tmp_path, "other")
    sealed = seal(b"said", KIND, signer(private, [ours]))
    assert json.loads(sealed)["payloadType"] == KIND
    payload, key = open_sealed(sealed, KIND, [other, ours], "it")
    assert (payload, key.path) == (b"said", "ours")


def other_payload(body: dict[str, Any]) -> None:
    """Say something else under the same signature."""
    body["payload"] = base64.b64encode(b"sad").decode()


def other_type(body: dict[str, Any]) -> None:
    """Say it of something else."""
    body["payloadType"] = "text/plain"


def no_signature(body: dict[str, Any]) -> None:
    """Take the signature away."""
    body["signatures"] = []


def no_payload(body: dict[str, Any]) -> None:
    """Take the payload away."""
    del body["payload"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_payload, r"it is not signed by a key of the settings \(ours \(\w{12}\)\), or was changed since"),
        (other_type, "that of it is about 'text/plain', not"),
        (no_signature, "it is not signed by a key"),
        (no_payload, "that of it is no signed envelope"),
    ],
)
def test_a_changed_one_does_not_open(tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    private, ours = pair(tmp_path, "ours")
    body = json.loads(seal(b"said", KIND, signer(private, [ours])))
    change(body)
    with pytest.raises(GateRefused, match=f"signature: {words}"):
        open_sealed(json.dumps(body).encode(), KIND, [ours], "it")


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    (private, ours), (_, other) = pair(tmp_path, "ours"), pair(tmp_path, "other")
    with pytest.raises(GateRefused, match=r"not signed by a key of the settings \(other"):
        open_sealed(seal(b"said", KIND, signer(private, [ours])), KIND, [other], "it")


def test_nonsense_is_told(tmp_path: Path) -> None:
    with pytest.raises(GateRefused, match="signature: that of it is no signed envelope"):
        open_sealed(b"\x00", KIND, [pair(tmp_path, "ours")[1]], "it")
