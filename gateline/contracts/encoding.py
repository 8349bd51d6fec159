"""The form in which a model takes a row: JSON values in schema order become floats and texts. Needs no numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateline.contracts.schema import Column, Schema

Encoded = list[float | str | None]
"""One row in schema order: numbers as float with NaN for missing, strings as str with None for missing."""


class Encoder:
    """Encodes rows of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._columns = schema.features
        self._kinds = [column.dtype for column in self._columns]
        self._types = [str if kind == "string" else float for kind in self._kinds]

    def rows(self, rows: Sequence[Sequence[Any]]) -> list[Encoded]:
        """Return rows of JSON values in schema order as new lists of the same length.

        Numbers, integers and booleans become float (missing: NaN), datetimes POSIX seconds, strings stay (missing: None).
        Raises ValueError where a row is too long or too short, or a value is not of its column's type.
        """
        return [self._row(index, row) for index, row in enumerate(rows)]

    def _row(self, index: int, row: Sequence[Any]) -> Encoded:
        if len(row) != len(self._kinds):
            raise ValueError(f"row {index} holds {len(row)} values; the schema has {len(self._kinds)} features")
        if list(map(type, row)) == self._types:  # most rows: every value is what it shall become
            return list(row)
        try:
            typed = zip(self._kinds, self._types, row)
            return [value if type(value) is wanted else encode_value(kind, value) for kind, wanted, value in typed]
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"row {index}: {self._wrong(row)}") from None

    def _wrong(self, row: Sequence[Any]) -> str:
        return next(told for column, value in zip(self._columns, row) if (told := _not_of(column, value)))


def encode_value(kind: str, value: Any) -> float | str | None:
    """Return one value in the form that the model takes. Raises TypeError, ValueError or OverflowError."""
    if kind == "string":
        return None if value is None else str(value)
    if value is None:
        return math.nan
    if kind == "datetime" and isinstance(value, str):
        return posix_seconds(value)
    return float(value)


def posix_seconds(text: str) -> float:
    """Return the POSIX seconds of an ISO 8601 text; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _not_of(column: Column, value: Any) -> str:
    try:
        encode_value(column.dtype, value)
    except (TypeError, ValueError, OverflowError):
        return f"'{column.name}' is no {column.dtype}"
    return ""
