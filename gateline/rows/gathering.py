"""One pass over the rows of a table: batches are read and looked at in threads, and what was found is added in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from gateline.contracts.schema import Schema
from gateline.rows.batches import Batch, Job
from gateline.rows.cells import Cells, Reading
from gateline.rows.streaming import Stream, in_order

Columns = Mapping[str, Cells]


class Gatherer(Protocol):
    """Something that is found out in a pass."""

    def look(self, columns: Columns, rows: int) -> Any:
        """Return what a batch tells, in any thread, without changing anything. Columns that a file lacks are left out."""

    def add(self, seen: Any, start: int) -> None:
        """Add what a batch told; `start` rows were before it."""


Some = TypeVar("Some", bound=Gatherer)


class Reader:
    """How the columns of a table are read."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.readings = {column.name: Reading(column, schema) for column in schema.columns}

    def columns(self, batch: Batch) -> dict[str, Cells]:
        """Return the declared columns of a batch, also those that its folders name."""
        found = dict[str, Cells]()
        held = dict(zip(batch.table.column_names, batch.table.columns, strict=True))
        for name, reading in self.readings.items():
            if name in held:
                array = _whole(held[name])
                written = partial(batch.written, name) if batch.written is not None else array.slice
                found[name] = reading.cells(array, text=batch.text, written=written)
            elif name in batch.partition:
                array = pa.repeat(batch.partition[name], batch.rows)
                found[name] = reading.cells(array, text=True, written=array.slice)
        return found


def gather(rows: Stream, schema: Schema, make: Callable[[], Sequence[Some]]) -> tuple[Sequence[Some], set[str], int]:
    """Return what gatherers found, the declared columns that each file holds, and the number of rows.

    `make` makes the gatherers; it is called again where a file turned out to be broken, whose rows do not count then.
    """
    reader = Reader(schema)
    while True:
        gatherers, held, start = make(), {column.name for column in schema.columns}, 0
        for batch, names, found in in_order(rows.jobs(schema), partial(_look, reader, gatherers)):
            if not rows.seen(batch):
                break
            for gatherer, seen in zip(gatherers, found, strict=True):
                gatherer.add(seen, start)
            held &= names
            start += batch.rows
        else:
            return gatherers, held.intersection(*(part.names() for part in rows.parts)), start


def _look(reader: Reader, gatherers: Sequence[Gatherer], job: Job) -> tuple[Batch, set[str], list[Any]]:
    batch = job()
    columns = reader.columns(batch) if batch.error is None else {}
    return batch, set(columns), [gatherer.look(columns, batch.rows) if columns else None for gatherer in gatherers]


def batches(rows: Stream, schema: Schema) -> Iterator[Columns]:
    """Yield the declared columns of each batch once more, where a fault is looked at closely."""
    reader = Reader(schema)
    rows = rows.again()
    for job in rows.jobs(schema):
        batch = job()
        rows.seen(batch)
        yield reader.columns(batch)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
