"""Release bundles for the tests: tiny models trained in memory, written as a build writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from gateline.contracts import samples
from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    Manifest,
)
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, SCORER_FILE, Release
from gateline.contracts.schema import Schema
from gateline.registry.loaded import LoadedModel, encode
from gateline.settings import Service

COLUMNS: list[dict[str, Any]] = [
    {"name": "carrier", "dtype": "string", "categories": ["AA", "B6", "UA"], "description": "Airline"},
    {"name": "dest", "dtype": "string", "pattern": "[A-Z]{3}", "nullable": 0.1},
    {"name": "hour", "dtype": "integer", "minimum": 0, "maximum": 23},
    {"name": "delay", "dtype": "number", "sentinels": [-999]},
    {"name": "seats", "dtype": "integer", "minimum": 1, "maximum": 500, "nullable": 0.2},
    {"name": "weekend", "dtype": "boolean"},
    {"name": "booked", "dtype": "datetime"},
]
ROW: list[Any] = ["AA", "JFK", 17, 12.5, None, False, "2013-06-01T12:00:00Z"]
NAMED: dict[str, Any] = dict(zip([column["name"] for column in COLUMNS], ROW))
Change = Callable[[dict[str, bytes]], None]
CLASSES: dict[str, tuple[Any, ...]] = {"binary": (0, 1), "multiclass": ("early", "late", "on time"), "regression": ()}


@dataclass(frozen=True)
class Recipe:
    """What a test wants otherwise than usual."""

    task: str = "binary"
    service: Service = field(default_factory=Service)
    golden_shift: float = 0.0
    """Added to the recorded golden scores: above zero the model does not answer them."""
    hooks: str = ""
    """Source of the bundle's own `model/hooks.py`."""
    generated: bool = False
    """Whether generated Python scores the rows; of a binary model alone."""
    scorer_end: str = ""
    """Source behind the generated one."""
    artifact: str = ""
    """Identity that the release names; the artifact's own where empty."""
    change: Change = lambda files: None
    """Changes the artifact's files after their digests were taken."""


def schema() -> Schema:
    """Return the schema of every test bundle."""
    columns = [*COLUMNS, {"name": "flight", "dtype": "string", "key": True}, {"name": "late", "dtype": "integer"}]
    return schemas.parse({"columns": columns, "target": "late"})


def write(folder: Path, recipe: Recipe = Recipe()) -> Release:
    """Write a bundle of a tiny model into `folder` and return its release."""
    model = _model(recipe.task)
    files = _files(model, recipe)
    manifest = model.manifest.model_copy(update={"files": {name: of_bytes(data) for name, data in files.items()}})
    recipe.change(files)
    files[MANIFEST_FILE] = manifest.model_dump_json().encode()
    (folder / ARTIFACT_FOLDER).mkdir(parents=True)
    for name, data in files.items():
        (folder / ARTIFACT_FOLDER / name).write_bytes(data)
    if recipe.hooks:
        (folder / "model").mkdir()
        (folder / "model/__init__.py").write_text("")
        (folder / "model/hooks.py").write_text(recipe.hooks)
    if recipe.generated:
        (folder / SCORER_FILE).write_text(scorer(model.estimator) + recipe.scorer_end)
    release = Release(
        digest=of_value([str(folder), recipe.task]),
        version="20261124-abcdef0",
        artifact=recipe.artifact or manifest.identity,
        project="flights",
        lock="0" * 64,
        python="3.11",
        service=recipe.service,
        scorer="generated" if recipe.generated else "scikit-learn",
    )
    (folder / RELEASE_FILE).write_text(release.model_dump_json())
    return release


def expected(folder: Path, rows: list[list[Any]]) -> list[list[float]]:
    """Return the scores that the bundle's estimator gives JSON rows, asked of scikit-learn itself."""
    manifest = Manifest.model_validate_json((folder / ARTIFACT_FOLDER / MANIFEST_FILE).read_bytes())
    estimator = skops.io.load(folder / ARTIFACT_FOLDER / MODEL_FILE, trusted=list(manifest.trusted_types))
    encoded = encode(rows, schema())
    scores = estimator.predict_proba(encoded) if manifest.classes else estimator.predict(encoded).reshape(-1, 1)
    return [[float(score) for score in row] for row in scores]


def scorer(estimator: Any) -> str:
    """Return Python that scores a row as the pipeline of a binary test model does."""
    front, logistic = estimator.steps[0][1], estimator.steps[1][1]
    weights = iter(logistic.coef_[0].tolist())
    words = [{word: next(weights) for word in seen} for seen in front.transformers_[0][1].categories_]
    return f"""import math

WORDS = {words!r}
NUMBERS = {list(zip([2, 3, 5], weights))!r}


def score(row):
    total = {float(logistic.intercept_[0])!r}
    for place, weights in enumerate(WORDS):
        total += weights.get(row[place], 0.0)
    for place, weight in NUMBERS:
        total += weight * row[place]
    positive = 1.0 / (1.0 + math.exp(-total)) if total > -709.0 else math.exp(total)
    return [1.0 - positive, positive]
"""


def _model(task: str) -> LoadedModel:
    rows = encode(samples.rows(schema(), 200, seed=1), schema())
    estimator = _fitted(task, rows)
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
    manifest = Manifest.model_validate(
        {
            "identity": of_value(task),
            "version": "20261124-abcdef0",
            "inputs": {},
            "files": {},
            "task": task,
            "target": "late",
            "features": tuple(NAMED),
            "classes": CLASSES[task],
            "positive": 1 if task == "binary" else None,
            "trusted_types": trusted,
        }
    )
    return LoadedModel(manifest, schema(), estimator, {}, {})


def _fitted(task: str, rows: Any) -> Any:
    estimators = {
        "binary": LogisticRegression(),
        "multiclass": DecisionTreeClassifier(max_depth=3, random_state=0),
        "regression": LinearRegression(),
    }
    front = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [0, 1]), ("passthrough", [2, 3, 5]))
    hours = rows[:, 2].astype(float)
    targets = {
        "binary": (hours > 12).astype(int),
        "multiclass": np.array(CLASSES["multiclass"])[np.digitize(hours, [8, 16])],
        "regression": 3 * hours + rows[:, 3].astype(float),
    }
    return make_pipeline(front, estimators[task]).fit(rows, targets[task])


def _files(model: LoadedModel, recipe: Recipe) -> dict[str, bytes]:
    rows = samples.rows(model.schema, 20, seed=2)
    scores = model.score(encode(rows, model.schema)) + recipe.golden_shift
    bins = {"edges": [20.0, 60.0, 100.0], "shares": [0.25, 0.25, 0.25, 0.25]}
    reference: dict[str, Any] = {"columns": {}, "scores": bins, "labels": {}, "rows": 200}
    contents = {
        SCHEMA_FILE: model.schema.dump(),
        METRICS_FILE: {},
        REFERENCE_FILE: reference,
        GOLDEN_FILE: {"rows": rows, "scores": scores.tolist()},
    }
    return {MODEL_FILE: skops.io.dumps(model.estimator)} | {
        name: json.dumps(content).encode() for name, content in contents.items()
    }
