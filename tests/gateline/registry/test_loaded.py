"""Loading a model: scores as training did, and a refusal by rule of everything that is not what training wrote."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
from gateline.registry.loaded import LoadedModel, load_files, load_folder
from gateline.settings.errors import GateRefused
from tests.gateline.registry.made import files, manifest, rows

NEEDED = [MODEL_FILE, SCHEMA_FILE, REFERENCE_FILE, GOLDEN_FILE]


def whole(contents: dict[str, bytes] | None = None, **changes: Any) -> dict[str, bytes]:
    """Return an artifact's files with the manifest that belongs to them."""
    contents = files() if contents is None else contents
    return contents | {MANIFEST_FILE: manifest(contents, **changes).model_dump_json().encode()}


def test_a_loaded_model_answers_its_golden_rows_as_training_did() -> None:
    model = load_files(whole())
    golden = np.array(model.golden["rows"], dtype=object)
    assert np.array_equal(model.score(golden), np.array(model.golden["scores"]))
    assert [column.name for column in model.schema.features] == ["origin", "delay"]


def test_a_folder_is_loaded_as_its_files_are(tmp_path: Path) -> None:
    for name, data in whole().items():
        (tmp_path / name).write_bytes(data)
    assert np.array_equal(load_folder(tmp_path).score(rows()[0]), load_files(whole()).score(rows()[0]))


def test_a_folder_that_is_no_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GateRefused, match="digest: manifest.json is missing: this is no artifact"):
        load_folder(tmp_path)


@pytest.mark.parametrize("name", [*NEEDED, METRICS_FILE])
def test_one_flipped_byte_is_refused_by_the_rule_digest(name: str) -> None:
    contents = whole()
    data = contents[name]
    contents[name] = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(GateRefused, match=f"digest: {name} of 20261124-abc1234 is not the file that was written"):
        load_files(contents)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_the_manifest_does_not_vouch_for_is_refused(name: str) -> None:
    contents = whole({key: data for key, data in files().items() if key != name})
    with pytest.raises(GateRefused, match=f"digest: {name}"):
        load_files(contents)
    with pytest.raises(GateRefused, match=f"digest: {name}"):
        load_files(contents | {name: files()[name]})


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_manifest_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(GateRefused, match="digest: manifest.json is not readable"):
        load_files(files() | {MANIFEST_FILE: content})


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.path,))


def refused(model: bytes, **changes: Any) -> str:
    with pytest.raises(GateRefused) as caught:
        load_files(whole(files() | {MODEL_FILE: model}, **changes))
    return str(caught.value)


def test_a_hostile_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    hostile = pickle.dumps(Hostile(mark))
    assert "unsafe_load: model.skops is not a skops file" in refused(hostile)
    assert not mark.exists()
    pickle.loads(hostile)
    assert mark.exists(), "the pickle is not hostile: this test showed nothing"


def test_a_hostile_pickle_inside_a_skops_file_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    kept = zipfile.ZipFile(io.BytesIO(files()[MODEL_FILE]))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in kept.namelist():
            archive.writestr(name, kept.read(name) if name == "schema.json" else pickle.dumps(Hostile(mark)))
    assert "unsafe_load:" in refused(packed.getvalue(), trusted_types=manifest().trusted_types)
    assert not mark.exists()


def with_type(module: str, name: str) -> bytes:
    """Return the model file with its outermost type renamed to another."""
    kept = zipfile.ZipFile(io.BytesIO(files()[MODEL_FILE]))
    described = json.loads(kept.read("schema.json")) | {"__module__": module, "__class__": name}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for entry in kept.namelist():
            archive.writestr(entry, json.dumps(described) if entry == "schema.json" else kept.read(entry))
    return packed.getvalue()


def test_a_type_on_no_list_is_refused_no_matter_what_the_manifest_says() -> None:
    said = refused(with_type("subprocess", "Popen"), trusted_types=("subprocess.Popen", *manifest().trusted_types))
    assert "unsafe_load: model.skops names subprocess.Popen, which may not be loaded; it was not loaded" in said
    assert "subprocess.Popen can run or load code, and cannot be added to [model] trusted" in said


def test_a_type_that_was_added_by_hand_is_loaded_and_the_line_is_named_without() -> None:
    contents = whole(files() | {MODEL_FILE: with_type("tests.gateline.registry.test_loaded", "Fixed")}, trusted_types=())
    with pytest.raises(GateRefused) as caught:
        load_files(contents)
    assert '[model] trusted = ["tests.gateline.registry.test_loaded.Fixed"]' in caught.value.next_step
    assert type(load_files(contents, ("tests.gateline.registry.test_loaded.Fixed",)).estimator).__name__ == "Fixed"


def test_a_type_that_cannot_be_made_is_refused_with_what_to_do() -> None:
    said = refused(with_type("collections", "partial"))
    assert "which may not be loaded" in said
    said = refused(with_type("functools", "partial"))
    assert "unsafe_load: model.skops could not be loaded" in said
    assert "see that `model/` still holds what the model is made of" in said


def test_another_scikit_learn_is_refused_by_the_rule_env_lock() -> None:
    here = manifest().libraries
    with pytest.raises(
        GateRefused, match=r"env_lock: 20261124-abc1234 was trained with scikit-learn 0\.1, here is "
    ) as caught:
        load_files(whole(libraries=here | {"scikit-learn": "0.1"}))
    assert here["scikit-learn"] in str(caught.value)


def test_a_library_that_is_not_installed_is_refused_by_the_rule_env_lock() -> None:
    with pytest.raises(GateRefused, match="env_lock: .* was trained with no-such-library 1.0, here is not installed"):
        load_files(whole(libraries={"no-such-library": "1.0"}))


class Fixed:
    """An estimator of fixed answers."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = np.array(answers)

    def predict(self, rows: object) -> Any:
        return self.answers

    def predict_proba(self, rows: object) -> Any:
        return self.answers


def fixed(answers: list[Any], **changes: Any) -> LoadedModel:
    schema = load_files(whole()).schema
    return LoadedModel(Manifest.model_validate(manifest().model_dump() | changes), schema, Fixed(answers), {}, {})


def decided(model: LoadedModel) -> list[Any]:
    return model.decide(model.score(np.empty((2, 2), dtype=object)))


def test_a_binary_model_says_positive_from_the_threshold_on() -> None:
    answers = [[0.7, 0.3], [0.6999, 0.3001]]
    assert decided(fixed(answers, threshold=0.3)) == [1, 1]
    assert decided(fixed(answers, threshold=0.3001)) == [0, 1]
    assert decided(fixed(answers, threshold=0.5)) == [0, 0]


def test_the_positive_class_may_be_the_first() -> None:
    model = fixed([[0.9, 0.1], [0.4, 0.6]], classes=("late", "on time"), positive="late")
    assert model.manifest.positive_column == 0
    assert decided(model) == ["late", "on time"]


def test_without_a_positive_class_the_second_is_positive() -> None:
    assert decided(fixed([[0.9, 0.1], [0.4, 0.6]], classes=("a", "b"), positive=None)) == ["a", "b"]


def test_a_model_of_many_classes_says_the_most_probable() -> None:
    model = fixed([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], task="multiclass", classes=("a", "b", "c"), positive=None)
    assert decided(model) == ["b", "c"]


def test_a_regression_says_numbers() -> None:
    model = fixed([1, 2.5], task="regression", classes=(), positive=None)
    assert model.score(np.empty((2, 2), dtype=object)).shape == (2, 1)
    assert decided(model) == [1.0, 2.5]


def test_the_digest_of_the_model_is_the_one_in_the_manifest() -> None:
    assert manifest().files[MODEL_FILE] == of_bytes(files()[MODEL_FILE])
