"""All rows at once, typed by the schema: what training fits on, and what a model is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Column, Schema
from gateline.rows.buffers import Mask
from gateline.rows.cells import KINDS, Cells
from gateline.rows.gathering import Columns, gather
from gateline.rows.parts import SHOWN, some_of
from gateline.rows.streaming import JUDGE, Stream, refuse
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.shown import shown


class Whole:
    """A gatherer of all values; `written` says that they are wanted as they were read, too."""

    def __init__(self, *, written: bool = False) -> None:
        self.written = written
        self.pieces: dict[str, list[Cells]] = {}

    def look(self, columns: Columns, rows: int) -> Columns:
        """Return the columns of one batch, without the block that they were read from."""
        found = {name: cells.written() if self.written else pa.nulls(0) for name, cells in columns.items()}
        return {name: replace(cells, written=found[name].slice) for name, cells in columns.items()}

    def add(self, seen: Columns | None, start: int) -> None:
        """Add them."""
        for name, cells in (seen or {}).items():
            self.pieces.setdefault(name, []).append(cells)

    def column(self, column: Column) -> Cells:
        """Return all values of a column."""
        return together(column, self.pieces.get(column.name, []))


def read_table(rows: str | Objects, schema: Schema) -> dict[str, Cells]:
    """Return the declared columns, in the schema's order, of one file or a folder of parts; none of their values is wrong.

    Raises UsageError for a file that is missing, empty or unreadable, and for columns that are missing or of another dtype.
    """
    stream = Stream(rows)
    (whole,), held, count = gather(stream, schema, lambda: [Whole()])
    refuse(stream.url, stream.parts, count)
    found = dict[str, Cells]()
    for column in schema.columns:
        if column.name not in held:
            names = next(part.names() for part in stream.parts if column.name not in part.names())
            raise UsageError(
                f"{stream.url}: there is no column '{column.name}'{did_you_mean(column.name, names)} "
                f"(columns: {', '.join(map(shown, names))})",
                "correct the name in pipeline.toml and the schema, or the file",
            )
        cells = found[column.name] = whole.column(column)
        if cells.wrong is not None and cells.wrong.any():
            positions = np.flatnonzero(cells.wrong).tolist()
            places = some_of([stream.place(position) for position in positions[:SHOWN]], len(positions))
            raise UsageError(
                f"{stream.url}: {len(positions)} of {len(cells)} values of '{column.name}' are not of dtype "
                f"{column.dtype}: rows {places}",
                JUDGE.format(url=stream.url),
            )
    return found


def read_raw(rows: str | Objects) -> Stream:
    """Return a `Stream`: the name that tests of your own rules may know it by."""
    return Stream(rows)


def together(column: Column, pieces: Sequence[Cells]) -> Cells:
    """Return the cells of several batches as one column."""
    values = [piece.values for piece in pieces]
    words = None
    if column.dtype == "string":
        chunks = [piece.words for piece in pieces if piece.words is not None]
        words = pa.chunked_array(chunks, pa.string())
        starts = np.cumsum([0, *map(len, chunks)])
        values = [codes + start for codes, start in zip(values, starts)]
    whole = np.concatenate([np.zeros(0, KINDS.get(column.dtype, np.int64)), *values])
    missing, wrong = ([getattr(piece, name) for piece in pieces] for name in ("missing", "wrong"))
    return Cells(column, whole, _one(pieces, missing), _one(pieces, wrong), pa.nulls(0).slice, words)


def _one(pieces: Sequence[Cells], masks: Sequence[Mask | None]) -> Mask | None:
    if all(mask is None for mask in masks):
        return None
    every = [np.zeros(len(piece), dtype=bool) if mask is None else mask for piece, mask in zip(pieces, masks)]
    return np.concatenate(every)
