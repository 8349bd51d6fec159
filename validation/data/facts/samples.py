"""Some values of each column, evenly spread over its rows, to compare its distribution with others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Schema
from gateline.rows.cells import Cells
from gateline.rows.gathering import Columns

MOST = 2000
"""Values of a column that are compared at least, where it has them; twice as many are the limit."""


class Spread:
    """Every k-th known value of one column, k a power of two."""

    def __init__(self, *, words: bool) -> None:
        self.words = words
        self.step = 1
        self.seen = 0
        self.kept: list[Any] = []

    def add(self, cells: Cells) -> None:
        """Add a batch."""
        first = (-self.seen) % self.step
        some = cells.known[first :: self.step]
        self.seen += len(cells.known)
        if self.words:
            texts = cells.texts
            self.kept += [texts[place] for place in some.tolist()]
        else:
            self.kept += (some / 1e6 if cells.column.dtype == "datetime" else some.astype(np.float64)).tolist()
        while len(self.kept) >= 2 * MOST:
            self.kept = self.kept[::2]
            self.step *= 2

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The values of a column that is not of words, sorted."""
        return np.sort(np.array(self.kept, dtype=np.float64))


class Samples:
    """The values of all columns."""

    def __init__(self, schema: Schema) -> None:
        self.columns = {column.name: Spread(words=column.dtype == "string") for column in schema.columns}

    def look(self, columns: Columns, rows: int) -> Columns:
        """Return the batch itself: which rows are taken depends on those before it."""
        for cells in columns.values():
            _ = cells.known
        return columns

    def add(self, seen: Columns | None, start: int) -> None:
        """Add some of its rows."""
        for name, cells in (seen or {}).items():
            self.columns[name].add(cells)
