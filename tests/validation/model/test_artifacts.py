"""A model is named by alias, version, identity or folder; a bare file is refused, and never opened."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateline.registry.artifacts import CANDIDATE, CHAMPION
from gateline.registry.audit import Told
from gateline.settings.errors import UsageError
from tests.training.example import artifacts_of
from tests.validation.conftest import Own
from tests.validation.trained import stored_again
from validation.model.artifacts import Contender, champion_of, contender_of

GONE = Told("it is told", "0" * 64)


class Hostile:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(self.mark),)


def unpacked(files: Mapping[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_alias_version_identity_and_folder_name_the_same_model(own: Own, tmp_path: Path) -> None:
    settings, trained = own("binary")
    artifacts, manifest = artifacts_of(settings), trained.manifest
    artifacts.point(CANDIDATE, manifest.identity)
    folder = unpacked(trained.files, tmp_path / "copy")
    for reference in (CANDIDATE, manifest.version, manifest.identity, manifest.identity[:12], str(folder)):
        found = contender_of(reference, artifacts)
        assert (found.identity, found.version, found.refusal) == (manifest.identity, manifest.version, None)
        assert found.files == trained.files


def test_a_folder_that_claims_an_identity_is_recorded_under_its_content(own: Own, tmp_path: Path) -> None:
    settings, trained = own("binary")
    folder = unpacked(trained.files, tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"threshold": 0.0}))
    found = contender_of(str(folder), artifacts_of(settings))
    assert found.refusal is None and found.identity != trained.manifest.identity


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "anything"])
def test_a_bare_file_is_refused_with_what_to_do_and_not_opened(own: Own, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "executed"
    (tmp_path / name).write_bytes(pickle.dumps(Hostile(mark)))
    with pytest.raises(UsageError, match="is a bare model file; it was not opened") as raised:
        contender_of(str(tmp_path / name), artifacts_of(own("binary")[0]))
    assert "nox -s train" in raised.value.next_step and "--model candidate" in raised.value.next_step
    assert not mark.exists()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nowhere.pkl", "nowhere.pkl: no such file"),
        ("candidat", "did you mean 'candidate'?"),
        ("champion", "model 'champion' is no alias"),
    ],
)
def test_a_model_that_is_not_there_is_named(own: Own, reference: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        contender_of(reference, artifacts_of(own("binary")[0]))
    assert message in str(raised.value)


def test_a_folder_without_a_manifest_is_no_artifact(own: Own, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no manifest.json"):
        contender_of(str(tmp_path), artifacts_of(own("binary")[0]))


@pytest.mark.parametrize("name", ["model.skops", "golden.json", "manifest.json"])
def test_one_flipped_byte_is_a_refusal_by_the_rule_digest(own: Own, tmp_path: Path, name: str) -> None:
    settings, trained = own("binary")
    stored = next(Path(settings.registry.url).rglob(name))
    data = bytearray(stored.read_bytes())
    data[len(data) // 2] ^= 1
    stored.write_bytes(data)
    found = contender_of(trained.manifest.identity, artifacts_of(settings))
    assert found.refusal is not None and found.refusal.rule == "digest" and found.identity == trained.manifest.identity
    assert found.content != Contender("another", refusal=found.refusal).content, "accepting it by hand accepts no other"
    folder = unpacked({**trained.files, name: bytes(data)}, tmp_path / "copy")
    if name != "manifest.json":
        assert contender_of(str(folder), artifacts_of(settings)).refusal.reason.startswith(name)  # type: ignore[union-attr]


def test_content_follows_the_files(own: Own) -> None:
    settings, trained = own("binary")
    artifacts = artifacts_of(settings)
    other = stored_again(artifacts, trained.files, "b", files={"metrics.json": b"{}"})
    assert contender_of(other, artifacts).content != contender_of(trained.manifest.identity, artifacts).content


def test_there_is_no_champion_before_the_first_and_none_where_none_is_asked_for(own: Own) -> None:
    settings, trained = own("binary")
    artifacts = artifacts_of(settings)
    assert champion_of(CHAMPION, artifacts, lambda: None) is None
    artifacts.point(CHAMPION, trained.manifest.identity)
    found = champion_of(CHAMPION, artifacts, lambda: GONE)
    assert found is not None and found.identity == trained.manifest.identity and found.refusal is None
    assert champion_of("none", artifacts, lambda: GONE) is None
    with pytest.raises(UsageError, match="'v9' is no alias"):
        champion_of("v9", artifacts, lambda: GONE)


def test_a_champion_that_no_alias_names_any_more_is_there_and_is_no_other(own: Own) -> None:
    settings, trained = own("binary")
    found = champion_of(CHAMPION, artifacts_of(settings), lambda: GONE)
    other = champion_of(CHAMPION, artifacts_of(settings), lambda: Told("it is told", "another"))
    assert found is not None and other is not None and str(found.refusal).startswith("it is told; yet no alias 'champion'")
    assert "invoke up --env=production" in str(found.refusal)
    assert found.identity != trained.manifest.identity, "or the candidate would be compared with itself"
    assert found.content != other.content, "one that was accepted by hand stands for no other"
