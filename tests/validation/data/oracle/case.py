"""What data rules judge: the files, the schema they are held against, and the limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateline.contracts.schema import Column, Schema
from gateline.rows.typed import Typed
from gateline.settings import DataGate
from tests.validation.data.oracle.reading import Raw
from tests.validation.data.oracle.typed import Mask


@dataclass(frozen=True)
class Table:
    """One data set, held against the schema; every column is typed once."""

    role: str
    """`train` or `test`."""
    raw: Raw
    schema: Schema

    @property
    def name(self) -> str:
        return self.raw.url

    @property
    def rows(self) -> int:
        return self.raw.rows

    @cached_property
    def columns(self) -> dict[str, Typed]:
        found = {column.name: self.raw.typed(column, self.schema) for column in self.schema.columns}
        return {name: values for name, values in found.items() if values is not None}

    def typed(self, column: Column) -> Typed | None:
        return self.columns.get(column.name)

    def places(self, mask: Mask) -> str:
        """Say where `mask` (shape (rows,)) holds: the first five row numbers, with the file where there are several."""
        return self.raw.places(mask)


@dataclass(frozen=True)
class DataCase:
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
