"""From a typed frame to what an estimator takes: one row a request, in schema order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.schema import Column, Schema
from gateline.settings.errors import UsageError


def features_of(frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.object_]:
    """Return rows of shape (n, features): numbers as float with NaN for missing, strings as str with None for missing.

    Integers and booleans are floats too, datetimes are POSIX seconds.
    """
    rows = np.empty((len(frame), len(schema.features)), dtype=object)
    for index, column in enumerate(schema.features):
        rows[:, index] = _feature(frame[column.name], column)
    return rows


def target_of(frame: pd.DataFrame, schema: Schema, url: str) -> npt.NDArray[Any]:
    """Return the target, shape (n,): int64, float64, bool, or object holding str.

    Raises UsageError for missing labels, naming `url`, where the rows were read.
    """
    column = schema.target_column
    values = frame[column.name]
    missing = int(values.isna().sum())
    if missing:
        raise UsageError(
            f"{url}: {missing} of {len(values)} values of the target '{column.name}' are missing",
            "leave out rows without a label",
        )
    if column.dtype == "datetime":
        raise UsageError(f"the target '{column.name}' is a datetime", "declare it as a number, a string or a boolean")
    return values.to_numpy(
        dtype={"integer": "int64", "number": "float64", "boolean": "bool"}.get(column.dtype, "object")
    )


def seconds_of(times: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return POSIX seconds, shape (n,), NaN for missing."""
    micros = times.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    return np.where(times.isna(), np.nan, micros / 1e6)


def numbers_of(values: pd.Series[Any], column: Column) -> npt.NDArray[np.float64]:
    """Return a column that is not of strings as floats, shape (n,), NaN for missing; datetimes as POSIX seconds."""
    return seconds_of(values) if column.dtype == "datetime" else values.to_numpy(dtype="float64", na_value=np.nan)


def _feature(values: pd.Series[Any], column: Column) -> npt.NDArray[Any]:
    return values.to_numpy(dtype=object) if column.dtype == "string" else numbers_of(values, column)
