"""Small projects to train in: data, schema and settings in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from gateline.registry.artifacts import Artifacts
from gateline.registry.store import Store
from gateline.settings import Settings, load
from training.identity import ROOT, plan
from training.run import STEPS, Steps, Trained, train

PACKAGES = ("gateline", "training", "validation", "model")
TREES = {
    "classification": "sklearn.tree.DecisionTreeClassifier",
    "regression": "sklearn.tree.DecisionTreeRegressor",
}
SCHEMA: dict[str, list[dict[str, Any]]] = {
    "columns": [
        {"name": "when", "dtype": "datetime"},
        {"name": "size", "dtype": "number", "nullable": 0.2, "minimum": -5, "maximum": 5},
        {"name": "count", "dtype": "integer", "nullable": 0.2, "minimum": 0, "maximum": 9},
        {"name": "colour", "dtype": "string", "nullable": 0.2, "categories": ["red", "green", "blue"]},
        {"name": "open", "dtype": "boolean"},
        {"name": "y", "dtype": "integer"},
    ]
}
DTYPES = {"binary": "integer", "multiclass": "string", "regression": "number"}


def frame(rows: int, seed: int, kind: str = "binary") -> pd.DataFrame:
    """Return rows with numbers, strings, booleans, times and missing values, and a target that can be learned."""
    chance = np.random.default_rng(seed)
    size, count = chance.normal(size=rows).clip(-5, 5).round(3), chance.integers(0, 10, rows)
    colour, is_open = chance.choice(["red", "green", "blue"], rows), chance.random(rows) < 0.5
    signal = size + 0.3 * (count - 4.5) + (colour == "red") * 1.5 - 0.5 + chance.normal(scale=0.5, size=rows)
    target = {
        "binary": (signal > 0).astype(int),
        "multiclass": np.select([signal < -0.8, signal < 0.8], ["low", "mid"], "top"),
        "regression": signal.round(3),
    }[kind]
    hours = pd.date_range("2026-01-01", periods=rows, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    table = pd.DataFrame({"when": hours, "size": size, "count": pd.array(count, dtype="Int64"), "colour": colour})
    for name in ("size", "count", "colour"):
        table.loc[chance.random(rows) < 0.1, name] = None
    return table.assign(open=is_open, y=target)


def project(folder: Path, kind: str = "binary", rows: int = 600, **sections: Mapping[str, Any]) -> Path:
    """Write data, schema and `pipeline.toml` into a folder and return the settings' path; `sections` add to their keys."""
    folder.mkdir(parents=True, exist_ok=True)
    frame(rows, 1, kind).to_csv(folder / "train.csv", index=False)
    frame(rows, 2, kind).to_csv(folder / "test.csv", index=False)
    columns = [dict(column) for column in SCHEMA["columns"]]
    columns[-1]["dtype"] = DTYPES[kind]
    (folder / "schema.json").write_text(json.dumps({"columns": columns}))
    task = "regression" if kind == "regression" else "classification"
    tables: dict[str, dict[str, Any]] = {
        "project": {"name": "small", "task": task},
        "data": {
            "train": f"{folder}/train.csv",
            "test": f"{folder}/test.csv",
            "schema": f"{folder}/schema.json",
            "target": "y",
            "time": "when",
        },
        "model": {"estimator": TREES[task], "seed": 7, "parameters": {"min_samples_leaf": 15}},
        "metrics": {"primary": "rmse", "direction": "minimize"} if task == "regression" else {"primary": "accuracy"},
        "gates.model": {"max_rmse": 2.0} if task == "regression" else {"min_accuracy": 0.6},
        "registry": {"url": f"{folder}/store"},
        "environments.staging": {"port": 8101},
    }
    for name, section in sections.items():
        tables[name.replace("__", ".")] |= section
    path = folder / "pipeline.toml"
    path.write_text("\n".join(_table(name, body) for name, body in tables.items()))
    return path


def trained(settings: Settings) -> Trained:
    """Train what the settings say, without a word on the terminal."""
    return train(plan(settings), artifacts_of(settings), quiet())


def artifacts_of(settings: Settings) -> Artifacts:
    """Return the artifacts of the settings' registry."""
    return Artifacts(Store.of(settings))


def settings_of(folder: Path, kind: str = "binary", **more: Any) -> Settings:
    """Write a small project and return its settings."""
    return load(project(folder, kind, **more))


def quiet() -> Steps:
    """Return steps that show nothing."""
    return Steps(len(STEPS), Console(file=StringIO()))


def copy_of_project(folder: Path, kind: str = "binary", **more: Any) -> Path:
    """Return a folder with our packages and a small project, to run commands in as a user does."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements").mkdir()
    for name in ("train.txt", "service.txt"):
        shutil.copy(ROOT / "requirements" / name, folder / "requirements")
    project(folder, kind, **more)
    return folder


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in a folder, with warnings as they come."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTHON", "COV_"))}
    argv = [sys.executable, "-m", *arguments]
    return subprocess.run(argv, cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=120)


def _table(name: str, body: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in body.items() if not isinstance(value, dict)}
    nested = [_table(f"{name}.{key}", value) for key, value in body.items() if isinstance(value, dict)]
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in plain.items()), *nested])
