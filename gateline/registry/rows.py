"""From the JSON values of a row to what an estimator is given: the one way, offline and online."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Column, Schema


def encode(rows: Sequence[Sequence[Any]], schema: Schema) -> npt.NDArray[np.object_]:
    """Return rows of JSON values in schema order as an object array of shape (n, features).

    Numbers, integers and booleans become float (missing: NaN), datetimes POSIX seconds, strings stay (missing: None).
    Raises ValueError where a row is too long or too short, or a value is not of its column's type.
    """
    columns = schema.features
    encoded = np.empty((len(rows), len(columns)), dtype=object)
    for index, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"row {index} holds {len(row)} values; the schema has {len(columns)} features")
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            try:
                encoded[index, place] = _encode(column, value)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"row {index}: '{column.name}' is no {column.dtype}") from None
    return encoded


def _encode(column: Column, value: Any) -> float | str | None:
    if column.dtype == "string":
        return None if value is None else str(value)
    if value is None:
        return math.nan
    if column.dtype == "datetime" and isinstance(value, str):
        return _seconds(value)
    return float(value)


def _seconds(text: str) -> float:
    """A time without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
