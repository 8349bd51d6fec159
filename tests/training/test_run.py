"""Training ends in a complete artifact that scores as it was measured: two classes, many, and numbers."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gateline.contracts.digest import of_value
from gateline.contracts.manifest import GOLDEN_FILE, METRICS_FILE, REFERENCE_FILE
from gateline.contracts.reference import Reference
from gateline.contracts.samples import rows as sample_rows
from gateline.registry.loaded import encode, load_files
from gateline.registry.store import Store
from gateline.settings.errors import GateRefused, UsageError
from tests.training.conftest import Small
from tests.training.example import artifacts_of, settings_of, trained
from training.identity import plan
from training.rows import read
from training.run import Steps, is_broken

FILES = {"model.skops", "schema.json", "metrics.json", "reference.json", "golden.json", "manifest.json"}
ABOVE = {"binary": ("accuracy", 0.75), "multiclass": ("accuracy", 0.6), "regression": ("r2", 0.6)}


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_stored_artifact_scores_as_it_was_measured(small: Small, kind: str) -> None:
    settings, result = small(kind)
    assert set(result.files) == FILES
    model = load_files(artifacts_of(settings).files(result.manifest.identity))
    manifest = model.manifest
    assert (manifest.task, manifest.target, manifest.features) == (kind, "y", ("size", "count", "colour", "open"))
    assert (manifest.train_rows, manifest.test_rows) == (600, 600)
    assert manifest.identity == of_value(manifest.inputs)

    test = read(settings.data, model.schema).test
    scores = model.score(test.features)
    decided = np.array(model.decide(scores))
    name, floor = ABOVE[kind]
    assert manifest.metrics == json.loads(result.files[METRICS_FILE])
    assert manifest.metrics[name] > floor
    if kind == "regression":
        residual = ((decided - test.labels) ** 2).sum() / ((test.labels - test.labels.mean()) ** 2).sum()
        assert manifest.metrics["r2"] == pytest.approx(1 - residual)
    else:
        assert manifest.metrics["accuracy"] == pytest.approx(np.mean(decided == test.labels))
        assert manifest.classes == tuple(sorted(set(test.labels.tolist())))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_golden_rows_are_made_from_the_schema_and_answer_again(small: Small, kind: str) -> None:
    _, result = small(kind)
    model, golden = load_files(result.files), json.loads(result.files[GOLDEN_FILE])
    assert golden["rows"] == sample_rows(model.schema, 20, 20_130_101)
    scores = model.score(encode(golden["rows"], model.schema))
    np.testing.assert_array_equal(scores, golden["scores"])
    assert model.decide(scores) == golden["predictions"]
    columns = list(zip(*golden["rows"], strict=True))
    assert None in columns[0] and None in columns[2] and None not in columns[3]
    assert {-5, 5} <= set(columns[0]) and {0, 9} <= set(columns[1])


def test_the_reference_counts_predictions_on_the_test_rows(small: Small) -> None:
    settings, result = small("multiclass")
    reference = Reference.model_validate_json(result.files[REFERENCE_FILE])
    model = load_files(result.files)
    decided = model.decide(model.score(read(settings.data, model.schema).test.features))
    assert reference.labels == {label: decided.count(label) / 600 for label in ("low", "mid", "top")}
    assert list(reference.columns) == ["size", "count", "colour", "open"]
    assert reference.columns["colour"].categories == ("blue", "green", "red")
    assert reference.rows == 600


def test_the_same_inputs_train_the_same_model(small: Small, tmp_path: Path) -> None:
    one, other = small("binary")[1], trained(settings_of(tmp_path))
    assert one.manifest.identity == other.manifest.identity
    assert one.files[GOLDEN_FILE] == other.files[GOLDEN_FILE]
    assert one.manifest.metrics == other.manifest.metrics


def test_rows_with_young_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    result = trained(settings_of(tmp_path, data={"label_delay_hours": 48.0}))
    assert (result.manifest.train_rows, result.young) == (552, 48)


def test_a_threshold_of_the_settings_decides(tmp_path: Path) -> None:
    low = trained(settings_of(tmp_path / "a", metrics={"threshold": 0.2}))
    high = trained(settings_of(tmp_path / "b", metrics={"threshold": 0.8}))
    shares = [Reference.model_validate_json(one.files[REFERENCE_FILE]).labels["1"] for one in (low, high)]
    assert shares[0] > shares[1] + 0.1
    assert low.manifest.metrics["roc_auc"] == high.manifest.metrics["roc_auc"]


def test_a_class_that_is_never_called_has_share_zero(tmp_path: Path) -> None:
    stump = {"parameters": {"min_samples_leaf": 200}}
    result = trained(settings_of(tmp_path, metrics={"threshold": 1.0}, model=stump))
    assert Reference.model_validate_json(result.files[REFERENCE_FILE]).labels == {"0": 1.0, "1": 0.0}


def test_nothing_is_stored_when_training_fails(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, model={"parameters": {"min_samples_leaf": -1}})
    with pytest.raises(UsageError, match="'min_samples_leaf' parameter"):
        trained(settings)
    assert not artifacts_of(settings).versions()


def test_a_broken_artifact_is_seen_and_trained_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    result, artifacts = trained(settings), artifacts_of(settings)
    identity = plan(settings).identity
    assert not is_broken(artifacts, identity)
    name = f"artifacts/{identity}/model.skops"
    Store.of(settings).write(name, result.files["model.skops"][:-1] + b"x")
    assert is_broken(artifacts, identity)
    with pytest.raises(GateRefused, match="digest: model.skops"):
        artifacts.files(identity)
    assert trained(settings).manifest.identity == identity
    assert not is_broken(artifacts, identity)


def test_each_step_ends_in_a_numbered_line_with_its_time() -> None:
    out = StringIO()
    steps = Steps(2, Console(file=out))
    for text in ("read", "fit"):
        with steps.step(text):
            pass
    assert re.fullmatch(r"\[1/2\] read: 0\.\d s\n\[2/2\] fit: 0\.\d s\n", out.getvalue())


@pytest.mark.parametrize(("expected", "told"), [(12.0, True), (3.0, False)])
def test_a_step_that_was_long_last_time_says_how_long(expected: float, told: bool) -> None:
    out = StringIO()
    with Steps(1, Console(file=out)).step("fit", expected):
        assert ("of about 12 s, as last time" in out.getvalue()) == told


def test_a_terminal_shows_a_running_clock() -> None:
    out = StringIO()
    with Steps(1, Console(file=out, force_terminal=True, width=100)).step("fit", 12.0):
        pass
    assert "0:00:0" in out.getvalue() and "of about 12 s, as last time" in out.getvalue()


def test_a_step_that_fails_is_not_called_done() -> None:
    out = StringIO()
    with pytest.raises(ValueError), Steps(1, Console(file=out)).step("fit"):
        raise ValueError
    assert out.getvalue() == ""
