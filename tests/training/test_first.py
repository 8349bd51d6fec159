"""What `invoke new` is told of a first model."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from settings import load
from tests.training.conftest import Small
from tests.training.example import project
from training.first import MANY, First, first_model, main


@pytest.mark.parametrize(("kind", "metric"), [("binary", "roc_auc"), ("multiclass", "accuracy"), ("regression", "r2")])
def test_a_first_model_is_measured_beside_a_constant_answer(small: Small, kind: str, metric: str) -> None:
    settings, trained = small(kind)
    first = first_model(settings)
    assert first.features == trained.manifest.features
    if first.estimator == settings.model.estimator:
        assert first.metrics == trained.manifest.metrics
    assert first.metrics[metric] > first.constant[metric] + 0.1 and first.doubt == ""


def test_it_is_printed_as_json_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["python -m training.first"])
    before = sorted(tmp_path.rglob("*"))
    assert main() == 0
    said = json.loads(capsys.readouterr().out)
    assert np.isfinite(said["metrics"]["roc_auc"]) and set(said) == {field.name for field in fields(First)}
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "__pycache__" not in str(path)] == []
    assert load().metrics.primary in said["metrics"]


def weak(folder: Path, rows: int, task: str) -> Path:
    """Write rows of six columns that explain a tenth of a number, or of one of two classes."""
    chance = np.random.default_rng(3)
    path = project(folder, "regression" if task == "regression" else "binary", rows=50)
    names = ["bill", "party", "hour", "noise", "light", "rain"]
    table = pd.DataFrame(chance.normal(size=(rows, 6)).round(3), columns=names)
    signal = 20 + table["bill"] + 0.8 * table["party"] + chance.normal(scale=4, size=rows)
    table["y"] = signal.round(2) if task == "regression" else (signal > signal.median()).astype(int)
    for name, part in (("train", table[: -rows // 4]), ("test", table[-rows // 4 :])):
        part.to_csv(folder / f"{name}.csv", index=False)
    dtype = "number" if task == "regression" else "integer"
    columns = [{"name": name, "dtype": "number"} for name in names] + [{"name": "y", "dtype": dtype}]
    (folder / "schema.json").write_text(json.dumps({"columns": columns}))
    text = path.read_text().replace('time = "when"\n', "").replace("min_samples_leaf = 15", "max_depth = 12")
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("task", "rows", "estimator"),
    [("regression", 1000, "ridge"), ("classification", 3000, "logistic"), ("regression", 2000, "ridge")],
)
def test_where_boosting_helps_nothing_a_straight_line_is_chosen(
    tmp_path: Path, task: str, rows: int, estimator: str
) -> None:
    first = first_model(load(weak(tmp_path, rows, task)))
    assert first.estimator == f"model.estimators:{estimator}" and first.parameters == {} and len(first.tried) == 2
    name = load(tmp_path / "pipeline.toml").metrics.primary
    sign = -1 if name == "rmse" else 1
    assert sign * first.metrics[name] > sign * first.constant[name] and first.doubt == ""


def test_what_the_settings_name_is_kept_where_it_is_better(tmp_path: Path) -> None:
    path = project(tmp_path, rows=500)
    for name in ("train", "test"):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        table["y"] = ((table["size"].abs() > 0.7) ^ (table["count"] > 4)).astype(int)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    settings = load(path)
    first = first_model(settings)
    assert first.estimator == settings.model.estimator and first.parameters == settings.model.parameters


def test_equal_models_differ_and_the_worst_value_is_worse(small: Small) -> None:
    first = first_model(small("binary")[0])
    assert set(first.spreads) == {"accuracy", "log_loss"}
    assert all(0 < seen < 0.5 and 0 < error < 0.5 for seen, error in first.spreads.values())
    assert first.worst["roc_auc"] < first.metrics["roc_auc"] and first.worst["log_loss"] > first.metrics["log_loss"]
    assert first.never == () and 0 < first.positives < first.test_rows and first.train_rows < MANY
