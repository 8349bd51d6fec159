"""From typed columns to what an estimator takes: one row a request, in schema order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Schema
from gateline.settings.errors import UsageError

if TYPE_CHECKING:
    from gateline.rows.cells import Cells


def features_of(columns: Mapping[str, Cells], schema: Schema) -> npt.NDArray[np.object_]:
    """Return rows of shape (n, features): numbers as float with NaN for missing, strings as str with None for missing.

    Integers and booleans are floats too, datetimes are POSIX seconds.
    """
    count = len(next(iter(columns.values())))
    rows = np.empty((count, len(schema.features)), dtype=object)
    for index, column in enumerate(schema.features):
        cells = columns[column.name]
        rows[:, index] = cells.objects if column.dtype == "string" else cells.floats
    return rows


def target_of(columns: Mapping[str, Cells], schema: Schema, url: str) -> npt.NDArray[Any]:
    """Return the target, shape (n,): int64, float64, bool, or object holding str.

    Raises UsageError for missing labels, naming `url`, where the rows were read.
    """
    column = schema.target_column
    cells = columns[column.name]
    if cells.missing is not None and cells.missing.any():
        raise UsageError(
            f"{url}: {int(cells.missing.sum())} of {len(cells)} values of the target '{column.name}' are missing",
            "leave out rows without a label",
        )
    if column.dtype == "datetime":
        raise UsageError(f"the target '{column.name}' is a datetime", "declare it as a number, a string or a boolean")
    if column.dtype == "string":
        return cells.objects
    return cells.values.astype(bool) if column.dtype == "boolean" else cells.values
