"""A column's values as text, of rows that were read whole: how often each occurs, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gateline.rows.parts import SHOWN, Part


def texts_of(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a column's values as text, each distinct one written once: `indices` into a `dictionary` that may repeat."""
    if pa.types.is_nested(column.type):
        column = pa.chunked_array([pa.array(map(as_text, column.to_pylist()), pa.string())])
    found = column.dictionary_encode("encode").combine_chunks()
    if pa.types.is_string(column.type):
        return pa.DictionaryArray.from_arrays(found.indices, found.dictionary.fill_null(""))
    return pa.DictionaryArray.from_arrays(found.indices, pa.array(map(as_text, found.dictionary.to_pylist()), pa.string()))


def counts_of(part: Part) -> dict[str, Counter[str]]:
    """Return how often each value occurs in each column, as text; a missing value of a Parquet file is the empty text."""
    counts = {name: Counter[str]() for name in part.table.column_names}
    for name, counter in counts.items():
        column = part.table[name]
        column = texts_of(column).dictionary_decode() if pa.types.is_nested(column.type) else column
        for value, count in zip(*(each.to_pylist() for each in column.value_counts().flatten())):
            counter[as_text(value)] += count
    return counts


def rows_of(part: Part, name: str, texts: Collection[str]) -> tuple[int, ...]:
    """Return the numbers of the first rows in which a column holds one of `texts`."""
    found = texts_of(part.table[name])
    wanted = [place for place, text in enumerate(found.dictionary.to_pylist()) if text in texts]
    places = pc.indices_nonzero(pc.is_in(found.indices, pa.array(wanted, found.indices.type)))
    return tuple(part.numbers[place] for place in places.slice(0, SHOWN).to_pylist())


def as_text(value: Any) -> str:
    """Return a value as a CSV file would hold it; empty for a missing one."""
    if value is None or value != value:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
