"""What data rules judge: the files, the schema they are held against, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateline.contracts.schema import Column, Schema
from gateline.rows.reading import Raw
from gateline.rows.typed import Mask, Typed
from gateline.settings import DataGate


@dataclass(frozen=True)
class Table:
    """One data set, held against the schema; every column is typed once."""

    role: str
    """`train` or `test`."""
    raw: Raw
    schema: Schema

    @property
    def name(self) -> str:
        """The URL it was read from."""
        return self.raw.url

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.raw.rows

    @property
    def readable(self) -> bool:
        """Whether any column could be read at all."""
        return any(part.names() for part in self.raw.parts)

    @cached_property
    def columns(self) -> dict[str, Typed]:
        """The declared columns that every file of it holds, by name."""
        found = {column.name: self.raw.typed(column, self.schema) for column in self.schema.columns}
        return {name: values for name, values in found.items() if values is not None}

    def typed(self, column: Column) -> Typed | None:
        """Return a column's values, or None where it is missing."""
        return self.columns.get(column.name)

    def places(self, mask: Mask) -> str:
        """Say where `mask` (shape (rows,)) holds: the first five row numbers, with the file where there are several."""
        return self.raw.places(mask)


@dataclass(frozen=True)
class Case:
    """Everything one judgement of data looks at."""

    tables: tuple[Table, ...]
    schema: Schema
    gate: DataGate
    earlier_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of the data that passed before under the same URL, by role."""

    @property
    def pair(self) -> tuple[Table, Table] | None:
        """Train and test, or None where only one of them is judged."""
        return (self.tables[0], self.tables[1]) if len(self.tables) == 2 else None
