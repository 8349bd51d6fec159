"""One Parquet file in batches of rows, with the types it declares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import pyarrow as pa
from pyarrow import parquet

from gateline.contracts.schema import Schema
from gateline.rows.parts import Finding, Part, first_of_each, unreadable

ROWS = 2**17
"""Most rows of a batch."""
CELLS = 2**21
"""Most cells of a batch, where that is at least one row: 16 MB of numbers."""
BUFFER = 2**16
"""Bytes of each column that are read at once, however large its part of a row group is."""


def parquet_batches(file: IO[bytes], schema: Schema | None) -> tuple[Part, Iterator[pa.Table | Finding]]:
    """Return a file's columns, and in batches its declared ones; without a schema all, in the types they are stored in.

    A Finding stands where the file cannot be read.
    """
    try:
        opened = parquet.ParquetFile(file, buffer_size=BUFFER)
        stored = opened.schema_arrow
        first, repeated = first_of_each(stored.names)
        table = plain_types(stored.empty_table().select(first))
    except (pa.ArrowException, OSError, ValueError) as error:
        return unreadable("Parquet", error), iter([])
    if schema is None:
        return Part(table, text=False, findings=repeated), _batches(opened, file, None, first)
    wanted = [name for name in table.column_names if any(name == column.name for column in schema.columns)]
    return Part(table, text=False, findings=repeated), _batches(opened, file, wanted, first)


def _batches(
    opened: parquet.ParquetFile, file: IO[bytes], wanted: list[str] | None, first: list[int]
) -> Iterator[pa.Table | Finding]:
    stored = opened.schema_arrow
    words = [name for name in wanted or () if pa.types.is_string(stored.field(stored.names.index(name)).type)]
    columns = None if wanted is None else wanted or stored.names[:1]
    try:
        if words and len(first) == len(stored.names):
            file.seek(0)
            opened = parquet.ParquetFile(file, read_dictionary=words, buffer_size=BUFFER)
        size = max(1, min(ROWS, CELLS // max(1, len(columns or stored.names))))
        for group in range(opened.num_row_groups):  # What one group needed is given back before the next.
            for batch in opened.iter_batches(batch_size=size, columns=columns, row_groups=[group]):
                table = pa.Table.from_batches([batch])
                if wanted is None:
                    yield table.select(first)
                else:
                    yield pa.table({name: _plain(table, name) for name in wanted}) if wanted else table
    except (pa.ArrowException, OSError, ValueError) as error:
        yield unreadable("Parquet", error).findings[0]


def _plain(table: pa.Table, name: str) -> pa.ChunkedArray:
    column = table.column(table.column_names.index(name))
    is_words = pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type)
    return column if is_words else plain_type(column)


def plain_types(table: pa.Table) -> pa.Table:
    """Return a table whose columns have plain types."""
    return pa.table({name: plain_type(table[name]) for name in table.column_names})


def plain_type(column: pa.ChunkedArray) -> pa.ChunkedArray:
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
