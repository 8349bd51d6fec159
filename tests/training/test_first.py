"""What `invoke new` is told of a first model."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gateline.settings import load
from tests.training.conftest import Small
from tests.training.example import project
from training.first import FEW, First, first_model, main


@pytest.mark.parametrize(("kind", "metric"), [("binary", "roc_auc"), ("multiclass", "accuracy"), ("regression", "r2")])
def test_a_first_model_is_compared_with_a_constant_answer(small: Small, kind: str, metric: str) -> None:
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


def weak(folder: Path, rows: int, task: str, share: float = 0.5, noise: float = 4.0) -> Path:
    """Write rows of six columns that explain a tenth of a number, or of a class that is a share of them."""
    chance = np.random.default_rng(3)
    path = project(folder, "regression" if task == "regression" else "binary", rows=50)
    names = ["bill", "party", "hour", "noise", "light", "rain"]
    table = pd.DataFrame(chance.normal(size=(rows, 6)).round(3), columns=names)
    signal = 20 + table["bill"] + 0.8 * table["party"] + chance.normal(scale=noise, size=rows)
    table["y"] = signal.round(2) if task == "regression" else (signal > signal.quantile(1 - share)).astype(int)
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
    [
        ("regression", 1000, "ridge"),
        ("classification", 1500, "logistic"),
        ("regression", 2000, "ridge"),
        ("classification", 4000, "logistic"),
    ],
)
def test_where_rows_are_few_or_it_is_clearly_better_a_straight_line_is_chosen(
    tmp_path: Path, task: str, rows: int, estimator: str
) -> None:
    first = first_model(load(weak(tmp_path, rows, task)))
    assert first.estimator == f"model.estimators:{estimator}" and first.parameters == {} and len(first.tried) == 2
    name = load(tmp_path / "pipeline.toml").metrics.primary
    sign = -1 if name == "rmse" else 1
    assert sign * first.metrics[name] > sign * first.constant[name] and first.doubt == ""


def test_with_more_rows_what_is_named_is_kept_where_a_straight_line_is_hardly_better(tmp_path: Path) -> None:
    settings = load(weak(tmp_path, 2000, "classification", noise=0.3))
    first = first_model(settings)
    named, line = first.tried.values()
    assert first.estimator == settings.model.estimator and named < line


def test_where_the_pipeline_would_stop_at_the_one_and_not_at_the_other_the_other_is_proposed(tmp_path: Path) -> None:
    path, chance = project(tmp_path, "regression", rows=2000), np.random.default_rng(3)
    for name, low, wave in (("train", -1, 8), ("test", 3, 0)):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        table["size"] = chance.uniform(low, low + 2, len(table)).round(3)
        table["y"] = (10 * table["size"] + wave * np.cos(9 * table["size"])).round(3)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    first = first_model(load(path))
    tree, line = first.tried.values()
    assert tree < line and first.estimator == "model.estimators:ridge" and first.doubt == ""


def test_few_rows_of_one_class_are_few_rows(tmp_path: Path) -> None:
    assert first_model(load(weak(tmp_path, 3000, "classification", share=0.03))).estimator == "model.estimators:logistic"


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
    assert first.never == () and 0 < first.positives < first.test_rows and first.train_rows < FEW
