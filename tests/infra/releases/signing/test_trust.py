"""Who vouches for a release is asked of what the environment keeps, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.settings.errors import GateRefused
from infra.host.notes import FolderNotes
from infra.releases.signing.provenance import Unsigned
from infra.releases.signing.trust import KEYS, LET_IN, SIGNED, Trust, keys_note
from tests.infra import bundles
from tests.infra.releases.signing.signer import IMAGE, Signer


@pytest.fixture
def ours(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "release", tmp_path / "project")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return bundles.make(tmp_path / "bundle")


@pytest.fixture
def notes(tmp_path: Path, ours: Signer, release: Release) -> FolderNotes:
    """The notes of an environment that keeps a key and a signed release."""
    notes = FolderNotes(tmp_path / "environment")
    notes.update({KEYS: keys_note([ours.key]), SIGNED + release.digest: ours.sign(release.digest)})
    return notes


def test_a_signed_release_is_vouched_for_and_so_is_its_image(notes: FolderNotes, release: Release) -> None:
    assert Trust(notes).require(release, f"sha256:{IMAGE}").startswith("signed by keys/release.pub")
    with pytest.raises(Unsigned, match="^signature: image bbbbbbbbbbbb .* is not the one that was signed"):
        Trust(notes).require(release, f"sha256:{'b' * 64}")


def signed_by_another(notes: FolderNotes, release: Release, folder: Path) -> None:
    """Let somebody sign whose key is not kept."""
    notes.write(SIGNED + release.digest, Signer(folder / "other", folder / "project").sign(release.digest))


def revoked(notes: FolderNotes, release: Release, folder: Path) -> None:
    """Keep another key in the place of the one that signed."""
    notes.write(KEYS, keys_note([Signer(folder / "new", folder / "project").key]))


CHANGES: dict[str, tuple[Callable[[FolderNotes, Release, Path], object], str]] = {
    "stripped": (lambda notes, release, _: notes.remove(SIGNED + release.digest), "is not signed"),
    "of another release": (
        lambda notes, release, folder: notes.write(SIGNED + release.digest, json.dumps({})), "is no signed envelope"
    ),
    "by another key": (signed_by_another, "not signed by a key"),
    "by a key that was revoked": (revoked, "not signed by a key"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_vouches_for_what_is_not_signed_by_a_kept_key(
    notes: FolderNotes, release: Release, tmp_path: Path, change: str
) -> None:
    make, said = CHANGES[change]
    make(notes, release, tmp_path)
    with pytest.raises(Unsigned, match=f"^signature: .*{said}"):
        Trust(notes).require(release)


def test_the_statement_of_another_release_and_one_that_is_no_provenance(
    notes: FolderNotes, release: Release, ours: Signer
) -> None:
    notes.write(SIGNED + release.digest, ours.sign("f" * 64))
    with pytest.raises(Unsigned, match="is about another release"):
        Trust(notes).require(release)
    notes.write(SIGNED + release.digest, ours.sign(release.digest, "https://example.org/other"))
    with pytest.raises(Unsigned, match="is no provenance"):
        Trust(notes).require(release)


def test_an_exception_is_for_one_release(notes: FolderNotes, release: Release) -> None:
    other = release.model_copy(update={"digest": "f" * 64})
    notes.write(LET_IN + other.digest, "named by its digest")
    assert Trust(notes).require(other) == "named by its digest"
    notes.remove(SIGNED + release.digest)
    with pytest.raises(Unsigned):
        Trust(notes).require(release)


def test_where_no_key_is_kept_nobody_is_asked_and_keys_that_cannot_be_read_are_no_such_place(
    notes: FolderNotes, release: Release
) -> None:
    notes.write(KEYS, "[]")
    with pytest.raises(GateRefused, match="keys.json holds no keys"):
        Trust(notes).require(release)
    notes.remove(KEYS)
    assert "signing is off" in Trust(notes).require(release)
