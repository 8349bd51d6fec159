"""What a user edits in a copy between two commands."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateline.settings import load
from template.scratch import change_settings

LIGHTGBM = '''"""The plants' model: a transformer of our own in front of an estimator of another library."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from gateline.contracts.schema import Schema


class Ratios(TransformerMixin, BaseEstimator):
    """Add to each number its ratio to the first one; what is missing stays missing."""

    def fit(self, X: Any, y: Any = None) -> Ratios:
        self.columns_ = np.asarray(X).shape[1]
        return self

    def transform(self, X: Any) -> Any:
        numbers = np.asarray(X, dtype=float)
        return np.hstack([numbers, numbers[:, 1:] / (1.0 + numbers[:, :1])])


def build(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return the plants' model."""
    strings = [place for place, column in enumerate(schema.features) if column.dtype == "string"]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    steps = make_column_transformer((codes, strings), remainder=Ratios())
    return make_pipeline(steps, LGBMClassifier(random_state=seed, verbose=-1, n_jobs=1, **parameters))
'''


def setting(**changes: Any) -> Callable[[Path], None]:
    """Set settings in `pipeline.toml`; `__` stands for a dot."""
    return lambda folder: change_settings(folder, {key.replace("__", "."): value for key, value in changes.items()})


def seed(number: int) -> Callable[[Path], None]:
    """Ask for another training run: another candidate, as good as the one before."""
    return setting(model__seed=number)


def own_model(folder: Path) -> None:
    """Write a model of our own on a third-party library, and ask for that library."""
    (folder / "model" / "plants.py").write_text(LIGHTGBM, encoding="utf-8")
    types = ["lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]
    setting(model__estimator="model.plants:build", model__parameters={"n_estimators": 40}, model__trusted=types)(folder)
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    assert "model = [\n]" in text, "the group of the copy's own libraries is where the documentation says"
    pyproject.write_text(text.replace("model = [\n]", 'model = [\n    "lightgbm",\n]'), encoding="utf-8")


def storage(folder: Path) -> None:
    """Ask for the library that opens registries on S3."""
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    assert "storage = [\n]" in text, "the group is where the documentation says"
    pyproject.write_text(text.replace("storage = [\n]", 'storage = [\n    "s3fs",\n]'), encoding="utf-8")


def broken_rows(folder: Path) -> None:
    """Write a file in which most of one column is gone and another one holds words."""
    source = (folder / load(folder / "pipeline.toml", {}).data.test).read_text(encoding="utf-8").splitlines()
    header = source[0].split(",")
    place = header.index("tickets")
    rows = [line.split(",") for line in source[1:]]
    spoilt = [[*row[:place], "" if number % 2 else "many", *row[place + 1 :]] for number, row in enumerate(rows)]
    (folder / "broken.csv").write_text("\n".join(",".join(row) for row in [header, *spoilt]) + "\n", encoding="utf-8")


def signing_on(folder: Path) -> None:
    """Name the public key that was just made."""
    (key,) = sorted((folder / "keys").iterdir())
    setting(signing__keys=[str(key.relative_to(folder))])(folder)


def committed(folder: Path) -> None:
    """Commit everything, as a user does whose name git knows."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    for step in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "-m", "Mine")):
        subprocess.run(["git", *somebody, *step], cwd=folder, check=True)
