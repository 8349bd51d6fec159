"""One file's rows as they were read, before any schema, and what is wrong with the file itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NULLABLE = {
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"), "Int64"),
    "uint64": "UInt64",
    "bool": "boolean",
}
"""The pandas dtype for each Arrow type that pandas would widen to fit a missing value."""


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
class Part:
    """One file."""

    table: pa.Table
    text: bool
    """Whether every value is still the text that stood in a CSV file."""
    findings: tuple[Finding, ...] = ()
    name: str = ""
    partition: dict[str, str] = field(default_factory=dict)
    """Values that the names of its folders give every row, by column."""
    skipped: tuple[int, ...] = ()
    """Numbers of the rows that could not be read: those below keep their own."""

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return int(self.table.num_rows)

    @cached_property
    def numbers(self) -> Sequence[int]:
        """Return the number of each row that was read; the first row below the header is row 1."""
        if not self.skipped:
            return range(1, self.rows + 1)
        left_out = set(self.skipped)
        return [number for number in range(1, self.rows + len(left_out) + 1) if number not in left_out]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows for pandas, row numbers as the index, so that a row left out does not shift those below."""
        import pandas as pd

        def kind_of(stored: pa.DataType) -> Any:
            return pd.api.types.pandas_dtype(NULLABLE[str(stored)]) if str(stored) in NULLABLE else None

        numbers = self.numbers
        frame: pd.DataFrame = self.table.to_pandas(types_mapper=kind_of, date_as_object=False, ignore_metadata=True)
        index = (
            pd.RangeIndex(1, len(numbers) + 1) if isinstance(numbers, range) else pd.Index(list(numbers), dtype="int64")
        )
        return frame.set_axis(index, axis=0)

    def names(self) -> list[str]:
        """Return the names of its columns, those of its folders last."""
        columns = [str(name) for name in self.table.column_names]
        return columns + [name for name in self.partition if name not in columns]


def without_repeats(names: list[str]) -> tuple[list[int], list[str]]:
    """Return the positions of each name's first column, and the names that occur more than once."""
    first = [index for index, name in enumerate(names) if name not in names[:index]]
    return first, sorted({name for name in names if names.count(name) > 1})


def repeated(names: list[str]) -> Finding:
    """Say that column names occur twice."""
    return Finding(
        "format",
        f"the header names {', '.join(map(repr, names))} more than once; only the first of each was read",
        "give every column its own name",
    )


def unreadable(kind: str, error: Any, *earlier: Finding, text: bool = False) -> Part:
    """Return a part without rows, for a file whose form cannot be read. `error` says why."""
    import pyarrow as pa

    reason = (str(error).splitlines() or [type(error).__name__])[0]
    finding = Finding("format", f"is not a readable {kind} file: {reason}", "write the file again; it may be cut")
    return Part(pa.table({}), text=text, findings=(*earlier, finding))
