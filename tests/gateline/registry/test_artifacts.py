"""Artifacts: written once, found by every name, and refused when a byte of them is not the one that was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    Manifest,
)
from gateline.registry.artifacts import CANDIDATE, CHAMPION, Artifacts
from gateline.registry.store import Store
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from tests.gateline.registry.made import files, manifest
from tests.gateline.registry.writers import at_once

STORED = [MODEL_FILE, SCHEMA_FILE, METRICS_FILE, REFERENCE_FILE, GOLDEN_FILE]
SMALL = {"model.skops": b"model", "schema.json": b"{}"}


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(Store(str(tmp_path), "p"))


def small(number: int = 0, **changes: object) -> Manifest:
    """Return the manifest of a small artifact with its own identity."""
    return manifest(SMALL, inputs={"train": str(number)}, **changes)


def folder(tmp_path: Path, identity: str) -> Path:
    return tmp_path / "p" / "artifacts" / identity


def test_an_artifact_comes_back_as_it_was_added(artifacts: Artifacts) -> None:
    stored = artifacts.add(manifest(), files())
    assert stored == artifacts.manifest(stored.identity) == manifest()
    found = artifacts.files(stored.identity)
    assert {name: found[name] for name in files()} == files()
    assert set(found) == {*STORED, MANIFEST_FILE}
    assert Manifest.model_validate_json(found[MANIFEST_FILE]) == stored


def test_an_equal_artifact_is_left_as_it_is(artifacts: Artifacts) -> None:
    first = artifacts.add(small(), SMALL)
    again = artifacts.add(manifest({"model.skops": b"other"}, inputs={"train": "0"}), {"model.skops": b"other"})
    assert again == first
    assert artifacts.files(first.identity)["model.skops"] == b"model"
    assert artifacts.versions() == [first.version]


def test_a_broken_artifact_can_be_replaced(artifacts: Artifacts, tmp_path: Path) -> None:
    first = artifacts.add(small(), SMALL)
    (folder(tmp_path, first.identity) / "model.skops").write_bytes(b"spoilt")
    stored = artifacts.add(small(), SMALL, replace=True)
    assert artifacts.files(stored.identity)["model.skops"] == b"model"


@pytest.mark.parametrize("name", STORED)
def test_one_flipped_byte_is_refused_by_the_rule_digest(artifacts: Artifacts, tmp_path: Path, name: str) -> None:
    stored = artifacts.add(manifest(), files())
    path = folder(tmp_path, stored.identity) / name
    data = path.read_bytes()
    for position in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(
            GateRefused, match=f"digest: {name} of {stored.version} has SHA-256 .*, recorded was"
        ) as caught:
            artifacts.files(stored.identity)
        assert "train again" in caught.value.next_step
    path.write_bytes(data)
    assert artifacts.files(stored.identity)[name] == data


@pytest.mark.parametrize("name", [*STORED, MANIFEST_FILE])
def test_a_missing_file_is_refused_by_the_rule_digest(artifacts: Artifacts, tmp_path: Path, name: str) -> None:
    stored = artifacts.add(manifest(), files())
    (folder(tmp_path, stored.identity) / name).unlink()
    with pytest.raises(GateRefused, match=f"digest: {name} of artifact {stored.identity[:12]} is missing"):
        artifacts.files(stored.identity)


@pytest.mark.parametrize(
    "edit",
    [
        {"threshold": 0.1},
        {"trusted_types": ["os.system"]},
        {"metrics": {"roc_auc": 1.0}},
        {"files": {"model.skops": of_bytes(b"other"), "schema.json": of_bytes(b"{}")}},
        {"version": "20261124-fffffff"},
        {"identity": "f" * 64},
    ],
)
def test_an_edited_manifest_is_refused(artifacts: Artifacts, tmp_path: Path, edit: dict[str, object]) -> None:
    stored = artifacts.add(small(), SMALL)
    path = folder(tmp_path, stored.identity) / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_bytes()) | edit, indent=2), encoding="utf-8")
    with pytest.raises(GateRefused, match="digest: the manifest of .* is not the one that was written"):
        artifacts.files(stored.identity)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"identity": 1}'])
def test_a_manifest_that_is_none_is_refused(artifacts: Artifacts, tmp_path: Path, content: bytes) -> None:
    stored = artifacts.add(small(), SMALL)
    (folder(tmp_path, stored.identity) / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(GateRefused, match="digest: manifest of .* is not readable"):
        artifacts.manifest(stored.identity)


def test_an_artifact_copied_over_another_is_refused(artifacts: Artifacts, tmp_path: Path) -> None:
    one, two = artifacts.add(small(1), SMALL), artifacts.add(small(2), SMALL)
    stolen = (folder(tmp_path, one.identity) / MANIFEST_FILE).read_bytes()
    (folder(tmp_path, two.identity) / MANIFEST_FILE).write_bytes(stolen)
    with pytest.raises(GateRefused, match="digest: the manifest"):
        artifacts.manifest(two.identity)


def test_an_artifact_without_its_manifest_is_not_there_yet(artifacts: Artifacts, tmp_path: Path) -> None:
    stored = artifacts.add(small(), SMALL)
    (folder(tmp_path, stored.identity) / MANIFEST_FILE).unlink()
    assert not artifacts.has(stored.identity)
    assert artifacts.add(small(), SMALL) == stored
    assert artifacts.versions() == [stored.version]


def test_versions_that_collide_are_numbered(artifacts: Artifacts) -> None:
    stored = [artifacts.add(small(number), SMALL) for number in range(3)]
    assert [each.version for each in stored] == ["20261124-abc1234", "20261124-abc1234.2", "20261124-abc1234.3"]
    assert [artifacts.resolve(each.version) for each in stored] == [each.identity for each in stored]


def test_every_name_of_an_artifact_leads_to_it(artifacts: Artifacts) -> None:
    one, two = artifacts.add(small(1), SMALL), artifacts.add(small(2), SMALL)
    artifacts.point(CANDIDATE, one.identity)
    artifacts.point(CHAMPION, two.identity)
    for reference in (CANDIDATE, one.version, one.identity, one.identity[:12]):
        assert artifacts.resolve(reference) == one.identity
    assert artifacts.resolve(CHAMPION) == two.identity
    artifacts.point(CANDIDATE, two.identity)
    assert artifacts.resolve(CANDIDATE) == two.identity


@pytest.mark.parametrize(
    ("reference", "nearest"),
    [("champon", "champion"), ("candidat", "candidate"), ("20261124-abc1235", "20261124-abc1234")],
)
def test_an_unknown_name_is_refused_with_the_nearest(artifacts: Artifacts, reference: str, nearest: str) -> None:
    artifacts.add(small(), SMALL)
    with pytest.raises(UsageError, match=f"model '{reference}' is no alias.*; did you mean '{nearest}'") as caught:
        artifacts.resolve(reference)
    assert "20261124-abc1234" in caught.value.next_step


@pytest.mark.parametrize("reference", ["", "../aliases/x", "a/b", "a\x00b", "0" * 11, "f" * 64, "champion"])
def test_what_names_nothing_is_refused_in_an_empty_registry(artifacts: Artifacts, reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        artifacts.resolve(reference)
    assert caught.value.next_step == "train one: nox -s train"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_a_spoilt_alias_is_refused_by_name(artifacts: Artifacts, tmp_path: Path, content: bytes) -> None:
    artifacts.point(CHAMPION, artifacts.add(small(), SMALL).identity)
    (tmp_path / "p" / "aliases" / "champion.json").write_bytes(content)
    with pytest.raises(GateRefused, match="digest: aliases/champion.json in .* is not the record that was written"):
        artifacts.alias(CHAMPION)


def test_an_alias_that_was_never_set_is_none(artifacts: Artifacts) -> None:
    assert artifacts.alias(CHAMPION) is None


ADDER = """
import sys
from gateline.registry.artifacts import Artifacts
from gateline.registry.store import Store
from tests.gateline.registry.made import manifest
contents = {f"file-{number}": f"{sys.argv[2]} {number}".encode() for number in range(10)}
made = manifest(contents, inputs={"train": "0"})
print("ready", flush=True)
sys.stdin.readline()
print(Artifacts(Store(sys.argv[1], "p")).add(made, contents).version)
"""


def test_equal_trainings_at_once_leave_one_whole_artifact(tmp_path: Path) -> None:
    at_once(ADDER, ([str(tmp_path), name] for name in ("one", "two", "six")))
    artifacts = Artifacts(Store(str(tmp_path), "p"))
    found = artifacts.files(small().identity)
    assert {data.split()[0] for name, data in found.items() if name != MANIFEST_FILE} in ({b"one"}, {b"two"}, {b"six"})


def test_a_disk_that_keeps_other_bytes_is_told(tmp_path: Path) -> None:
    class Forgetful(Store):
        """A store that loses what is written to one object: what a failing disk does."""

        def write(self, name: str, data: bytes) -> None:
            super().write(name, b"lost" if name.endswith("schema.json") else data)

    with pytest.raises(OutsideError, match="does not read back as it was written"):
        Artifacts(Forgetful(str(tmp_path), "p")).add(small(), SMALL)


def test_artifacts_also_live_behind_an_fsspec_url(tmp_path: Path) -> None:
    artifacts = Artifacts(Store(f"memory://{tmp_path.name}-artifacts", "p"))
    stored = artifacts.add(small(), SMALL)
    second = artifacts.add(small(2), SMALL)
    assert second.version == f"{stored.version}.2"
    assert artifacts.files(stored.identity)["model.skops"] == b"model"
    assert artifacts.resolve(stored.version) == stored.identity
