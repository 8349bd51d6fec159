"""A small real artifact: a fitted pipeline, its schema, golden rows and manifest."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from typing import Any

import numpy as np

from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import GOLDEN_FILE, METRICS_FILE, MODEL_FILE, REFERENCE_FILE, SCHEMA_FILE, Manifest
from gateline.contracts.schema import Schema

LIBRARIES = ("scikit-learn", "numpy", "skops")


def schema() -> Schema:
    """Return two features and a target of two classes."""
    columns = [{"name": "origin", "dtype": "string"}, {"name": "delay", "dtype": "number", "nullable": 0.2}]
    return schemas.parse({"columns": [*columns, {"name": "late", "dtype": "integer"}], "target": "late"})


def rows() -> Any:
    """Return 200 encoded rows of shape (200, 2) and their labels."""
    chance = np.random.default_rng(0)
    table = np.empty((200, 2), dtype=object)
    table[:, 0] = chance.choice(["EWR", "JFK"], 200)
    table[:, 1] = chance.normal(0, 10, 200)
    return table, (np.asarray(table[:, 1], dtype=float) > 3).astype(int)


@functools.cache
def files() -> dict[str, bytes]:
    """Return the files of the artifact, manifest apart."""
    import skops.io
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    from model.features import preprocessor

    table, labels = rows()
    estimator = make_pipeline(preprocessor(schema()), HistGradientBoostingClassifier(max_iter=5, random_state=0))
    estimator.fit(table, labels)
    golden = {"rows": table[:3].tolist(), "scores": estimator.predict_proba(table[:3]).tolist()}
    return {
        MODEL_FILE: skops.io.dumps(estimator),
        SCHEMA_FILE: json.dumps(schema().dump()).encode(),
        METRICS_FILE: b"{}",
        REFERENCE_FILE: b'{"columns": {}}',
        GOLDEN_FILE: json.dumps(golden).encode(),
    }


def manifest(contents: dict[str, bytes] | None = None, **changes: Any) -> Manifest:
    """Return the manifest of the artifact, or of other contents."""
    contents = files() if contents is None else contents
    inputs = changes.pop("inputs", {"train": "0" * 64})
    model = contents.get(MODEL_FILE, b"")
    body = {
        "identity": of_value(inputs),
        "version": "20261124-abc1234",
        "inputs": inputs,
        "files": {name: of_bytes(data) for name, data in contents.items()},
        "task": "binary",
        "target": "late",
        "features": ("origin", "delay"),
        "classes": (0, 1),
        "positive": 1,
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }
    if "trusted_types" not in changes and model.startswith(b"PK"):
        from gateline.registry.trusted import types_of

        changes["trusted_types"] = tuple(types_of(model))
    return Manifest.model_validate(body | changes)
