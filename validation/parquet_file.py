"""Read a Parquet file with the types it declares."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from validation.parts import Part, repeated, unreadable, without_repeats

NULLABLE = {
    pa.int8(): pd.Int64Dtype(),
    pa.int16(): pd.Int64Dtype(),
    pa.int32(): pd.Int64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.Int64Dtype(),
    pa.uint16(): pd.Int64Dtype(),
    pa.uint32(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def read_parquet(data: bytes) -> Part:
    """Return the rows of a Parquet file; a cut or foreign file is a finding."""
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (pa.ArrowInvalid, OSError) as error:
        return unreadable("Parquet", error)
    first, twice = without_repeats(table.column_names)
    table = table.select(first)
    plain = pa.table({name: _plain(table[name]) for name in table.column_names})
    frame = plain.to_pandas(types_mapper=NULLABLE.get, date_as_object=False, ignore_metadata=True)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Part(frame, text=False, findings=(repeated(twice),) if twice else ())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn dictionaries into their values and decimals into floats."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column
