"""One file's rows as they were read, before any schema; what is wrong with the file, and what was changed in reading it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gateline.settings.shown import shown

if TYPE_CHECKING:
    import pyarrow as pa

What = Literal["file", "separator", "encoding", "index", "column", "missing", "number", "date", "stray"]
SHOWN = 5
"""Row numbers, and different values, that a message names."""


@dataclass(frozen=True)
class Finding:
    """Something wrong with a file's form, for the rule it belongs to."""

    rule: Literal["format", "encoding"]
    reason: str
    next_step: str
    rows: tuple[int, ...] = ()
    """Numbers of the rows it was seen in; the first row below the header is row 1."""
    total: int = 0
    """Rows of the file, where rows were counted."""
    lossless: bool = False
    """Whether all that was written was read nevertheless."""


@dataclass(frozen=True)
class Conversion:
    """One thing that was read otherwise than it is written, for one column or, without one, for the whole file.

    A file that is taken in tolerantly has them: what was changed is said, never silent.
    """

    what: What
    """`missing`: a mark that stands for a missing value; `stray`: values that are not of the column's type; the others name
    what was converted."""
    text: str
    """What was done, without the column's name, in plain words."""
    column: str = ""
    count: int = 0
    """How many values it concerns; 0 for the whole file."""
    rows: tuple[int, ...] = ()
    """The numbers of the first of these rows; the first row below the header is row 1."""

    def __str__(self) -> str:
        """Return one line to print."""
        column = f"'{shown(self.column)}': " if self.column else ""
        return f"{column}{self.text}{named(self.rows, self.count)}"


def some_of(rows: Sequence[object], count: int) -> str:
    """Return `3, 9 and 4 more`: the first of `count` rows, of which `rows` are known."""
    first = rows[:SHOWN]
    more = f" and {count - len(first)} more" if count > len(first) else ""
    return ", ".join(map(str, first)) + more


def named(rows: Sequence[int], count: int) -> str:
    """Return ` (rows 3, 9 and 4 more)`, or nothing where no row is known."""
    return f" (row{'s' if count > 1 else ''} {some_of(rows, count)})" if rows else ""


@dataclass(frozen=True)
class Part:
    """One file."""

    table: pa.Table
    text: bool
    """Whether every value is still the text that stood in a CSV file."""
    findings: tuple[Finding, ...] = ()
    name: str = ""
    partition: dict[str, str] = field(default_factory=dict)
    """Values that the names of its folders give every row, by column."""
    kept: Sequence[int] | None = None
    """The numbers of the rows that it holds; None where it holds all."""

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def numbers(self) -> Sequence[int]:
        """The number of each row; the first row below the header is row 1."""
        return range(1, self.rows + 1) if self.kept is None else self.kept

    def names(self) -> list[str]:
        """Return the names of its columns, those of its folders last."""
        columns = [str(name) for name in self.table.column_names]
        return columns + [name for name in self.partition if name not in columns]


def first_of_each(names: Sequence[str]) -> tuple[list[int], tuple[Finding, ...]]:
    """Return the positions of each name's first column, and a finding where a name occurs twice."""
    first = [index for index, name in enumerate(names) if name not in names[:index]]
    if len(first) == len(names):
        return first, ()
    twice = ", ".join(map(repr, sorted({name for name in names if names.count(name) > 1})))
    told = f"the header names {twice} more than once; only the first of each was read"
    return first, (Finding("format", told, "give every column its own name"),)


def unreadable(kind: str, error: Exception, *earlier: Finding, text: bool = False) -> Part:
    """Return a part without rows, for a file whose form cannot be read. `error` says why."""
    import pyarrow as pa

    reason = (str(error).splitlines() or [type(error).__name__])[0]
    finding = Finding("format", f"is not a readable {kind} file: {reason}", "write the file again; it may be cut")
    return Part(pa.table({}), text=text, findings=(*earlier, finding))
