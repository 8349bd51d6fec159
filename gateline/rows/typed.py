"""A column's values for pandas, all rows at once: for a rule of your own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gateline.contracts.schema import Column
from gateline.rows.buffers import Mask
from gateline.rows.cells import Cells
from gateline.rows.parquet_batches import plain_type
from gateline.rows.reading import together

NULLABLE = {
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"), "Int64"),
    "uint64": "UInt64",
    "bool": "boolean",
}
"""The pandas dtype for each Arrow type that pandas would widen to fit a missing value."""


@dataclass(frozen=True)
class Typed:
    """Shape (n,) each. A value that is not of the dtype is missing in `values`, and not counted in `missing`."""

    values: pd.Series[Any]
    missing: Mask
    wrong: Mask
    found: pd.Series[Any]
    """The values as they were read: of a CSV file, the text."""

    @property
    def known(self) -> Mask:
        """Where there is a value of the declared dtype."""
        return ~(self.missing | self.wrong)


def typed(column: Column, pieces: Sequence[Cells]) -> Typed:
    """Return a column as declared: integer is Int64, number float64, boolean `boolean`, datetime UTC, string object."""
    cells = together(column, pieces)
    nowhere = np.zeros(len(cells), dtype=bool)
    missing, wrong = (nowhere if mask is None else mask for mask in (cells.missing, cells.wrong))
    found = [series_of(piece.written()) for piece in pieces]
    if len({series.dtype for series in found}) > 1:
        found = [series.astype(object) for series in found]
    numbers = pd.RangeIndex(1, len(cells) + 1)
    written = pd.concat(found).set_axis(numbers) if found else pd.Series(dtype=object)
    kind = object if column.dtype == "string" else None
    return Typed(pd.Series(_values(cells, missing | wrong), numbers, dtype=kind), missing, wrong, written)


def _values(cells: Cells, unknown: Mask) -> Any:
    dtype = cells.column.dtype
    if dtype == "integer":
        return pd.arrays.IntegerArray(cells.values, unknown)
    if dtype == "boolean":
        return pd.arrays.BooleanArray(cells.values.astype(bool), unknown)
    if dtype == "datetime":
        return pd.DatetimeIndex(np.where(unknown, pd.NaT.value, cells.values).view("datetime64[us]"), tz="UTC")
    return cells.objects if dtype == "string" else cells.floats


def series_of(values: pa.Array | pa.ChunkedArray) -> pd.Series[Any]:
    """Return values as they were read, in a dtype that a missing one does not widen."""

    def kind_of(stored: pa.DataType) -> Any:
        return pd.api.types.pandas_dtype(NULLABLE[str(stored)]) if str(stored) in NULLABLE else None

    table = pa.table({"found": plain_type(values)})
    frame: pd.DataFrame = table.to_pandas(types_mapper=kind_of, date_as_object=False, ignore_metadata=True)
    return frame["found"]
