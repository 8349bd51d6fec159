"""Read a Parquet file with the types it declares."""

from __future__ import annotations

import io
from contextlib import suppress

import pyarrow as pa
from pyarrow import parquet

from gateline.rows.parts import Part, repeated, unreadable, without_repeats


def read_parquet(data: bytes) -> Part:
    """Return the rows of a Parquet file; a cut or foreign file is a finding."""
    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        return unreadable("Parquet", error)
    first, twice = without_repeats(table.column_names)
    table = table.select(first)
    plain = pa.table({name: _plain(table[name]) for name in table.column_names})
    return Part(plain, text=False, findings=(repeated(twice),) if twice else ())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Make dictionaries values, decimals whole numbers or floats, large or viewed strings plain, nano- microseconds."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        if column.type.scale <= 0:
            with suppress(pa.ArrowInvalid):  # what 64 bits do not hold
                return column.cast(pa.int64())
        return column.cast(pa.string()).cast(pa.float64())  # a detour that rounds once, as reading text does
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if pa.types.is_time64(column.type):
        return column.cast(pa.time64("us"), safe=False)
    text = pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.string()) if text else column
