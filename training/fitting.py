"""Fit an estimator, and pack it so that no code of the file runs when it is read."""

from __future__ import annotations

import importlib.metadata
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from registry.loaded import read_only, untrusted_types
from settings import Model
from settings.errors import UsageError, explain, next_step_of
from training.rows import Rows

LIBRARIES = ("scikit-learn", "numpy", "skops")
OURS = {"model", "builtins", "numpy", "sklearn", "scipy"}


UNFIT = (
    "correct model.parameters or model/features.py, and train again; one that takes no gaps is built by a function, "
    "as model.estimators:logistic is, on model.features.standardized"
)


def fit(estimator: Any, rows: Rows, model: Model) -> Any:
    """Return the estimator, fitted with every source of randomness seeded, on a copy of the rows that it cannot write into.

    Raises UsageError with the cause where it fails.
    """
    random.seed(model.seed)
    np.random.seed(model.seed)
    try:
        return estimator.fit(read_only(rows.features), read_only(rows.labels))
    except Exception as error:
        raise UsageError(
            f"'{model.estimator}' could not be fitted to {len(rows):,} rows: {explain(error)}", next_step_of(error, UNFIT)
        ) from error


@dataclass(frozen=True)
class Packed:
    """A skops file, the types in it that a loader must be told to trust, and what is read from it."""

    data: bytes
    trusted: tuple[str, ...]
    estimator: Any


def pack(estimator: Any, name: str) -> Packed:
    """Return a fitted estimator as it will be read elsewhere. Raises UsageError where it cannot be stored or read back."""
    import skops.io

    try:
        data: bytes = skops.io.dumps(estimator)
        trusted = untrusted_types(data)
        return Packed(data, tuple(trusted), skops.io.loads(data, trusted=trusted))
    except Exception as error:
        raise UsageError(
            f"'{name}' was fitted but cannot be stored and read back: {explain(error)}",
            "let it hold named functions and classes of model/ or of a library only (no lambda, no open file)",
        ) from error


def libraries(trusted: tuple[str, ...]) -> dict[str, str]:
    """Return the versions that a reader must have: ours, and those of the libraries whose types are in the file."""
    tops = {name.partition(".")[0] for name in trusted} - OURS
    found = importlib.metadata.packages_distributions() if tops else {}
    names = {*LIBRARIES, *(distribution for top in tops for distribution in found.get(top, ()))}
    return {name: importlib.metadata.version(name) for name in sorted(names)}
