"""Fit an estimator, and pack it so that no code of the file runs when it is read."""

import copy
import importlib.metadata
import random
import re
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from gateline.contracts.schema import Schema
from gateline.registry.loaded import read_only
from gateline.registry.trusted import types_of
from gateline.settings import Model
from gateline.settings.errors import UsageError, explain, next_step_of
from training.parameters import as_taken, handed_on, placed, weigh
from training.rows import Rows

LIBRARIES = ("scikit-learn", "numpy", "skops")
UNUSED = re.compile(r"Parameters: \{ (.*?) \} are not used")
OURS = {"model", "builtins", "numpy", "sklearn", "scipy"}
PATIENCE = 60.0
"""A fit that failed after more seconds than this is not tried again with numbered classes: what wants them says so at once."""
UNFIT = (
    "correct model.parameters or model/features.py, and train again; one that takes no gaps is built by a function, "
    "as model.estimators:logistic is, on model.features.standardized"
)


def fit(
    estimator: Any, rows: Rows, model: Model, schema: Schema, classes: Sequence[Any] = (), positive: Any = None
) -> Any:
    """Return the estimator, fitted with every source of randomness seeded, on a copy of the rows that it cannot write into.

    Parameters that name columns of `schema` and `classes` reach an estimator that is named by its class as places and labels.
    One that cannot be fitted to the labels gets the numbers of the classes, 0 to k - 1: its probabilities have the same order.
    Raises UsageError with the cause where it fails.
    """
    found = sorted(set(rows.labels.tolist())) if classes else []
    fresh, begun = None, time.monotonic()
    if found != list(range(len(found))):
        with suppress(Exception):  # what an estimator holds is judged when it is stored
            fresh = copy.deepcopy(estimator)
    try:
        return _fitted(estimator, rows, model, schema, found, positive)
    except UsageError:
        raise
    except Exception as error:
        told = f"'{model.estimator}' could not be fitted to {len(rows):,} rows: {explain(error)}"
        unfit = UsageError(told, next_step_of(error, UNFIT))
        if fresh is None or time.monotonic() - begun > PATIENCE:
            raise unfit from error
    try:
        numbered = Rows(rows.features, np.searchsorted(np.array(found, dtype=rows.labels.dtype), rows.labels))
        return _fitted(fresh, numbered, model, schema, found, positive, numbered=True)
    except UsageError:
        raise
    except Exception as error:
        raise unfit from error


def _fitted(
    estimator: Any,
    rows: Rows,
    model: Model,
    schema: Schema,
    classes: Sequence[Any],
    positive: Any,
    *,
    numbered: bool = False,
) -> Any:
    random.seed(model.seed)
    np.random.seed(model.seed)
    features, labels = read_only(rows.features), read_only(rows.labels)
    by_class = ":" not in model.estimator and hasattr(estimator, "steps")
    named = model if by_class else handed_on(model, estimator, schema)
    if by_class or named.parameters:
        front = copy.deepcopy(estimator.steps[0][1] if by_class else estimator[:-1])
        last = estimator.steps[-1][1]
        last.set_params(**as_taken(last, placed(named, schema, front, features, labels)))
    weigh(estimator, model, classes, numbered, positive)
    # Catching replaces the filters of the whole process: of several fits at once, the main thread's alone is looked at.
    alone = threading.current_thread() is threading.main_thread()
    with warnings.catch_warnings(record=True) if alone else nullcontext([]) as caught:
        fitted = estimator.fit(features, labels)
    for each in caught:
        unused = UNUSED.search(str(each.message))
        if unused:  # as XGBoost does with parameters that it does not know
            raise UsageError(
                f"model.parameters: '{model.estimator}' has no {unused[1].strip()}, and would ignore it",
                "correct the name; what weighs rows is set by a function in model/estimators.py",
            )
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return fitted if hasattr(fitted, "predict") else estimator  # a fit may return nothing, or its history


@dataclass(frozen=True)
class Packed:
    """A skops file, the types in it beyond those that skops trusts by itself, and what is read from it."""

    data: bytes
    trusted: tuple[str, ...]
    estimator: Any


def pack(estimator: Any, name: str) -> Packed:
    """Return a fitted estimator as it will be read elsewhere. Raises UsageError where it cannot be stored or read back."""
    import skops.io

    try:
        data: bytes = skops.io.dumps(estimator)
        trusted = types_of(data)
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
