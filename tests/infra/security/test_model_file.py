"""Rule `unsafe_load`: hostile files are named, and never run."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE
from infra.security import artifact as scanner
from infra.security.finding import Finding
from model.features import Codes
from tests.infra.security.projects import artifact, released, subject, write


class Touch:
    """When unpickled, leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"open({str(self.mark)!r}, 'w').close()",))


def scan(root: Path, model: bytes, trusted: list[str] | None = None, **more: bytes) -> tuple[Finding, ...]:
    """Scan an artifact with this model file and these further files."""
    manifest, files = artifact(model, trusted=[] if trusted is None else trusted)
    raw = manifest.model_dump_json(indent=2).encode()
    return scanner.unsafe_load(subject(root, {**files, MANIFEST_FILE: raw, **more})).findings


def test_a_real_model_passes_no_matter_what_its_manifest_records(root: Path, model_file: bytes) -> None:
    manifest, files = artifact(model_file)
    assert manifest.trusted_types != ()
    raw = manifest.model_dump_json(indent=2).encode()
    found = scanner.unsafe_load(subject(root, {**files, MANIFEST_FILE: raw}))
    assert (found.looked_at, found.findings) == (6, ())


def test_a_type_on_no_list_is_found_until_the_checkout_names_it_by_hand(root: Path) -> None:
    model = skops.io.dumps(FunctionTransformer(np.trapezoid))
    manifest, files = artifact(model, trusted=["numpy.trapezoid"])
    judged = subject(root, {**files, MANIFEST_FILE: manifest.model_dump_json(indent=2).encode()})
    (finding,) = scanner.unsafe_load(judged).findings
    assert finding.message.startswith("model.skops names numpy.trapezoid, which may not be loaded; it was not loaded. ")
    assert '[model] trusted = ["numpy.trapezoid"]' in finding.message
    assert scanner.unsafe_load(replace(judged, trusted=("numpy.trapezoid",))).findings == ()


def test_a_release_that_would_load_more_than_the_checkout_names_is_found(root: Path, model_file: bytes) -> None:
    manifest, files = artifact(model_file)
    raw = {**files, MANIFEST_FILE: manifest.model_dump_json(indent=2).encode()}
    judged = replace(subject(root, raw), bundle={"trusted.json": b'["numpy.trapezoid"]'}, trusted=("a.B",))
    (finding,) = scanner.unsafe_load(judged).findings
    assert "the release would load numpy.trapezoid too" in finding.message
    assert scanner.unsafe_load(replace(judged, trusted=("numpy.trapezoid",))).findings == ()
    assert "unreadable trusted.json" in scanner.unsafe_load(replace(judged, bundle={"trusted.json": b"["})).findings[0].message


def test_types_of_model_are_those_that_the_release_carries(root: Path) -> None:
    model = skops.io.dumps(make_pipeline(Codes()))
    manifest, files = artifact(model)
    raw = {**files, MANIFEST_FILE: manifest.model_dump_json(indent=2).encode()}
    write(root, "model/features.py", "class Codes: ...\n")
    assert scanner.unsafe_load(subject(root, raw)).findings == ()
    carried = replace(subject(root, raw), release=released(), bundle={"model/features.py": b"from other import Codes\n"})
    (finding,) = scanner.unsafe_load(carried).findings
    assert "model.features.Codes, which may not be loaded" in finding.message


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_is_refused_and_not_run(root: Path, tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    found = scan(root, pickle.dumps(Touch(mark), protocol=protocol))
    assert {finding.tool for finding in found} == {"picklescan", "skops"}
    assert any("exec (dangerous)" in finding.message for finding in found)
    assert not mark.exists()


def test_the_pickle_used_here_would_leave_a_mark(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Touch(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


def test_a_pickle_of_harmless_types_is_no_model_either(root: Path) -> None:
    found = scan(root, pickle.dumps({"a": Path("x")}))
    assert any("pickle" in finding.message for finding in found)


def test_a_pickle_in_another_file_is_found(root: Path, model_file: bytes, tmp_path: Path) -> None:
    hostile = pickle.dumps(Touch(tmp_path / "mark"))
    found = scan(root, model_file, trusted=None, **{"golden.json": hostile})
    assert any(finding.message.startswith("golden.json holds a pickle") for finding in found)


def test_a_pickle_inside_the_model_is_found(root: Path, model_file: bytes, tmp_path: Path) -> None:
    packed = io.BytesIO(model_file)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("extra.pkl", pickle.dumps(Touch(tmp_path / "mark")))
    assert any("exec" in finding.message for finding in scan(root, packed.getvalue()))


def test_a_dangerous_type_is_found_although_a_forged_manifest_records_it(root: Path) -> None:
    packed = io.BytesIO()
    node = {
        "__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "__id__": 1,
        "content": {"module_path": "posix", "function": "system"}, "protocol": 2, "_skops_version": "0.16.0",
    }  # fmt: skip
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("schema.json", json.dumps(node))
    found = scan(root, packed.getvalue(), trusted=["posix.system"])
    (message,) = [each.message for each in found]
    assert message.startswith("model.skops names posix.system, which may not be loaded; it was not loaded. do not use it: ")


@pytest.mark.parametrize("model", [b"", b"not a model", b"PK\x03\x04broken"])
def test_what_is_no_model_file_is_found(root: Path, model: bytes) -> None:
    assert [finding.code for finding in scan(root, model)] == ["model"]


def test_a_missing_model_file_is_found(root: Path, model_file: bytes) -> None:
    _, files = artifact(model_file)
    del files[MODEL_FILE]
    assert [finding.message for finding in scanner.unsafe_load(subject(root, files)).findings] == [
        "the artifact has no model.skops"
    ]


def test_no_artifact_is_nothing_looked_at(root: Path) -> None:
    assert scanner.unsafe_load(subject(root)).looked_at == 0


@pytest.mark.parametrize("name", ["model.skops", "golden.json"])
def test_an_archive_that_swells_when_it_is_looked_into_is_not_opened(root: Path, model_file: bytes, name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("schema.json", bytes(2**25))
        archive.infolist()[0].file_size = 100
    manifest, files = artifact(model_file)
    judged = subject(root, {**files, MANIFEST_FILE: manifest.model_dump_json().encode(), name: packed.getvalue()})
    found = [finding.message for finding in scanner.unsafe_load(judged).findings if finding.code == "archive"]
    assert found == [
        f"{name} is an archive that no training writes (it would swell: skops stores its files, it does not compress them); "
        "it was not opened"
    ]
