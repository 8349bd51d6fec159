"""What is scanned: the release that was built last, one that is named, or the candidate before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE
from gateline.settings import Settings, load
from gateline.settings.errors import UsageError
from infra.security.subject import Subject, gather
from tests.infra.security import projects


@pytest.fixture
def settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The project's settings, with the project as the working folder."""
    monkeypatch.chdir(root)
    return load(root / "pipeline.toml", {})


def test_without_a_model_there_is_the_tree(root: Path, settings: Settings) -> None:
    found = gather(settings, root)
    assert (found.release, found.artifact, found.service_lock) == (None, {}, projects.LOCK)
    assert "room/code.py" in found.files


def test_before_a_release_is_built_the_candidate_is_read(root: Path, settings: Settings, model_file: bytes) -> None:
    projects.register(root, model_file)
    found = gather(settings, root)
    assert found.release is None
    assert found.artifact[MODEL_FILE] == model_file
    assert found.artifact[MANIFEST_FILE] == found.recorded_manifest


@pytest.mark.parametrize("by", ["", "digest", "version", "folder"])
def test_a_release_is_found(root: Path, settings: Settings, model_file: bytes, by: str) -> None:
    release = projects.build(root, model_file)
    reference = {"": "", "digest": release.digest[:12], "version": release.version, "folder": "reports/bundle"}[by]
    found = gather(settings, root, reference)
    assert found.release == release
    assert found.refusals == ()
    assert found.artifact[MODEL_FILE] == model_file
    assert found.artifact[MANIFEST_FILE] == found.recorded_manifest
    assert found.service_lock == projects.LOCK


@pytest.mark.parametrize("reference", ["feedbeefcafe", "requirements"])
def test_an_unknown_release_is_bad_usage(root: Path, settings: Settings, reference: str) -> None:
    with pytest.raises(UsageError):
        gather(settings, root, reference)


def test_a_changed_bundle_is_refused_and_still_read(root: Path, settings: Settings, model_file: bytes) -> None:
    projects.build(root, model_file)
    projects.write(root, "reports/bundle/service.txt", projects.LOCK + "\n")
    found = gather(settings, root, "reports/bundle")
    assert len(found.refusals) == 1 and "digest" in found.refusals[0]
    assert found.artifact[MODEL_FILE] == model_file


def test_a_damaged_archive_is_refused(root: Path, settings: Settings, model_file: bytes) -> None:
    release = projects.build(root, model_file)
    projects.store(root).write(f"releases/{release.digest}.tar.gz", b"not an archive")
    assert "damaged" in _refusal(gather(settings, root))


def test_a_missing_archive_is_refused(root: Path, settings: Settings, model_file: bytes) -> None:
    release = projects.build(root, model_file)
    projects.store(root).delete(f"releases/{release.digest}.tar.gz")
    assert "is missing" in _refusal(gather(settings, root))


def test_a_manifest_changed_in_the_registry_is_refused(root: Path, settings: Settings, model_file: bytes) -> None:
    identity = projects.register(root, model_file)
    name = f"artifacts/{identity}/{MANIFEST_FILE}"
    projects.store(root).write(name, projects.store(root).read(name).replace(b'"target": "y"', b'"target": "z"'))
    assert "is not the one that was written" in _refusal(gather(settings, root))


def test_declared_data_is_known_as_rows(root: Path, settings: Settings) -> None:
    projects.write(root, "data/train.csv", "a,y\n1,0\n")
    assert gather(settings, root).rows == {"data/train.csv"}


def _refusal(found: Subject) -> str:
    (refusal,) = found.refusals
    return refusal
