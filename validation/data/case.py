"""What data rules judge: the files, the schema they are held against, the limits, and what one pass over the rows found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gateline.contracts.schema import Column, Schema
from gateline.rows.buffers import Mask
from gateline.rows.gathering import Columns, Gatherer, batches, gather
from gateline.rows.parts import SHOWN, Part, some_of
from gateline.rows.reading import Whole
from gateline.rows.streaming import Stream
from gateline.settings import DataGate
from validation.data.facts.rows import Groups, Repeats, RowHashes, Times, groups_of
from validation.data.facts.samples import Samples
from validation.data.facts.target import Target
from validation.data.facts.values import ColumnFacts, Values

if TYPE_CHECKING:
    from gateline.rows.typed import Typed


@dataclass(frozen=True)
class Facts:
    """What one pass over a table found, for the rules that run."""

    rows: int
    held: frozenset[str]
    """The declared columns that every file holds."""
    values: Values
    samples: Samples | None
    target: Target | None
    repeats: tuple[Repeats, ...]
    hashes: RowHashes | None
    groups: Groups | None
    times: Times | None


@dataclass(frozen=True)
class Table:
    """One data set, held against the schema."""

    role: str
    """`train` or `test`."""
    raw: Stream
    schema: Schema
    gate: DataGate = field(default_factory=DataGate)
    """Which rules run: what no rule asks for is not gathered."""
    paired: bool = True
    """Whether it is compared with another one."""

    @property
    def name(self) -> str:
        return self.raw.url

    @property
    def rows(self) -> int:
        return self.facts.rows

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The files, all of whose rows were seen."""
        _ = self.facts
        return self.raw.parts

    @cached_property
    def facts(self) -> Facts:
        """What one pass over the rows finds."""
        gatherers, held, rows = gather(self.raw, self.schema, self._gatherers)

        def one(kind: type[Any]) -> Any:
            return next((each for each in gatherers if isinstance(each, kind)), None)

        repeats = tuple(each for each in gatherers if isinstance(each, Repeats))
        values = one(Values), one(Samples), one(Target), repeats, one(RowHashes), one(Groups), one(Times)
        return Facts(rows, frozenset(held), *values)

    def _gatherers(self) -> list[Gatherer]:
        schema, rules, limit = self.schema, set(self.gate.rules), self.gate.hashes_mb * 2**20
        found: list[Gatherer] = [Values(schema)]
        if "column_swap" in rules and self.paired:
            found.append(Samples(schema))
        if "leak.target" in rules and schema.target:
            found.append(Target(schema))
        if "unique" in rules:
            found += [Repeats(group, limit) for group in groups_of(schema)]
        if "leak.rows" in rules and self.paired:
            found.append(RowHashes(schema, limit, numbered=self.role != "train"))
        if "leak.group" in rules and self.paired and schema.group:
            found.append(Groups(schema.column(schema.group), limit))
        if "leak.time" in rules and self.paired and schema.time:
            found.append(Times(schema.column(schema.time)))
        return found

    def column(self, column: Column) -> ColumnFacts | None:
        """Return what was found of a column's values, or None if a file does not hold it."""
        return self.facts.values.columns[column.name] if column.name in self.facts.held else None

    def where(self, positions: Sequence[int], count: int) -> str:
        """Say where the first of `count` rows are: their numbers, with the file where there are several."""
        return some_of([self.raw.place(position) for position in positions[:SHOWN]], count)

    def again(self, *names: str) -> Iterator[tuple[int, Columns]]:
        """Read some columns once more, to look at a fault closely. Yields each batch with the position of its first row."""
        some = [column for column in self.schema.columns if column.name in names]
        start = 0
        for columns in batches(self.raw, self.schema.model_copy(update={"columns": tuple(some)})):
            yield start, columns
            start += len(next(iter(columns.values()))) if columns else 0

    @cached_property
    def columns(self) -> dict[str, Typed]:
        """Every column's values at once, for a rule of your own: this takes memory for all rows, and pandas."""
        from gateline.rows.typed import typed

        (whole,), held, _ = gather(self.raw.again(), self.schema, lambda: [Whole(written=True)])
        declared = [column for column in self.schema.columns if column.name in held]
        return {column.name: typed(column, whole.pieces.get(column.name, [])) for column in declared}

    def typed(self, column: Column) -> Typed | None:
        """Return a column's values, for a rule of your own; None if a file does not hold it."""
        return self.columns.get(column.name)

    def places(self, mask: Mask) -> str:
        """Say where `mask` (shape (rows,)) holds: the first five row numbers, with the file where there are several."""
        _ = self.facts
        return self.where(mask.nonzero()[0].tolist(), int(mask.sum()))


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
