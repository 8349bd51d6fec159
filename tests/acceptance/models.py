"""Two other models: what a copy's user would put into `data/`, `model/` and `pipeline.toml`."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.acceptance.project import Project

Row = dict[str, Any]

TRANSFORMER = '''"""A transformer of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


class DayOfYear(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn POSIX seconds into the position in the year, as a point on a circle."""

    def fit(self, X: Any, y: Any = None) -> DayOfYear:
        self.period_ = 365.25 * 86400
        return self

    def transform(self, X: Any) -> Any:
        angle = 2 * np.pi * np.asarray(X, dtype=float) / self.period_
        return np.hstack([np.sin(angle), np.cos(angle)])


def build(schema: Any, seed: int, **parameters: Any) -> Any:
    """Return the demand model."""
    kinds = {name: [i for i, c in enumerate(schema.features) if c.dtype == name] for name in ("string", "datetime")}
    steps = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), kinds["string"]),
        (DayOfYear(), kinds["datetime"]),
        remainder=SimpleImputer(strategy="median"),
    )
    return make_pipeline(steps, GradientBoostingRegressor(random_state=seed, **parameters))
'''

REGRESSION_METRIC = '''"""Metrics of our own."""

from __future__ import annotations

from typing import Any

import numpy as np


def within_five(y_true: Any, y_pred: Any, y_score: Any) -> float:
    """Return the share of predictions that are at most 5 off."""
    return float((np.abs(y_true - y_pred) <= 5).mean())
'''


def demand(chance: random.Random, day: int) -> Row:
    """Return one day of one shop: a number depends on season, kind and temperature."""
    kind = chance.choice(["corner", "market", "mall"])
    temperature = round(chance.gauss(12, 8), 1)
    season = 10 * (1 if day % 365 < 180 else -1)
    noise = chance.gauss(0, 2)
    return {
        "opened": f"{2020 + day // 365}-{1 + day % 365 // 31:02d}-{1 + day % 28:02d}T06:00:00Z",
        "kind": kind,
        "temperature": "" if chance.random() < 0.05 else temperature,
        "staff": chance.randint(1, 12),
        "sold": round(80 + season + {"corner": 0, "market": 15, "mall": 40}[kind] + temperature + noise, 2),
    }


def regression(project: Project) -> None:
    """Turn a copy into the demand project."""
    write(project.path / "data", lambda chance, n: demand(chance, n // 4))
    (project.path / "model" / "demand.py").write_text(TRANSFORMER)
    (project.path / "model" / "metrics.py").write_text(REGRESSION_METRIC)
    project.change(
        project__task="regression",
        data__target="sold",
        data__time=None,
        model__estimator="model.demand:build",
        model__parameters={"n_estimators": 60},
        metrics={"primary": "rmse", "direction": "minimize", "custom": ["model.metrics:within_five"]},
        gates__model={"min_r2": 0.8, "max_mae": 5.0, "margin": 0.05, "custom_min": {"within_five": 0.8}},
    )


def plant(chance: random.Random, _: int) -> Row:
    """Return one plant of four species; two columns are text, three may be missing."""
    species = chance.choice(["fern", "moss", "oak", "rose"])
    place = {"fern": 3.0, "moss": 1.0, "oak": 9.0, "rose": 5.0}[species]
    return {
        "height": "" if chance.random() < 0.1 else round(place + chance.gauss(0, 0.8), 2),
        "leaf": "" if chance.random() < 0.1 else round(place / 2 + chance.gauss(0, 0.5), 2),
        "soil": chance.choice(["clay", "sand"] if species in ("fern", "oak") else ["peat", "sand"]),
        "colour": "" if chance.random() < 0.1 else ("red" if species == "rose" else "green"),
        "evergreen": species in ("moss", "fern"),
        "species": species,
    }


def many_classes(project: Project) -> None:
    """Turn a copy into the plants project."""
    write(project.path / "data", plant)
    project.change(
        data__target="species",
        data__time=None,
        model__estimator="sklearn.ensemble.RandomForestClassifier",
        model__parameters={"n_estimators": 30},
        metrics={"primary": "f1", "direction": "maximize"},
        gates__model={"min_accuracy": 0.8, "min_f1": 0.8, "margin": 0.03, "proper_margin": 0.3},
    )


def write(folder: Path, row: Callable[[random.Random, int], Row], train: int = 3000, test: int = 1500) -> None:
    """Write train and test files; the schema is inferred afterwards."""
    chance = random.Random(7)
    rows = [row(chance, number) for number in range(train + test)]
    for name, part in (("train.csv", rows[:train]), ("test.csv", rows[train:])):
        csv_file(folder / name, part)


def csv_file(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV; their keys are the columns."""
    listed = list(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
