"""One file's rows as they were read, before any schema, and what is wrong with the file itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from contracts.schema import Column
from validation.typed import Typed, typed


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


@dataclass(frozen=True)
class Part:
    """One file. The frame's index holds row numbers, so that a dropped row does not shift those below."""

    frame: pd.DataFrame
    text: bool
    """Whether every value is still the text that stood in a CSV."""
    findings: tuple[Finding, ...] = ()
    name: str = ""
    partition: dict[str, str] = field(default_factory=dict)
    """Values that the names of its folders give every row, by column."""

    def names(self) -> list[str]:
        """Return the names of its columns, those of its folders last."""
        columns = [str(name) for name in self.frame.columns]
        return columns + [name for name in self.partition if name not in columns]

    def typed(self, column: Column) -> Typed | None:
        """Return a column's values as declared, or None if the file does not hold it."""
        if column.name in self.frame.columns:
            return typed(self.frame[column.name], column, text=self.text)
        if column.name in self.partition:
            constant = pd.Series(self.partition[column.name], index=self.frame.index, dtype="str")
            return typed(constant, column, text=True)
        return None


def without_repeats(names: list[str]) -> tuple[list[int], list[str]]:
    """Return the positions of each name's first column, and the names that stand more than once."""
    first = [index for index, name in enumerate(names) if name not in names[:index]]
    return first, sorted({name for name in names if names.count(name) > 1})


def repeated(names: list[str]) -> Finding:
    """Say that column names stand twice."""
    return Finding(
        "format",
        f"the header names {', '.join(map(repr, names))} more than once; only the first of each was read",
        "give every column its own name",
    )


def unreadable(kind: str, error: Any) -> Part:
    """Return a part without rows, for a file whose form cannot be read."""
    finding = Finding(
        "format", f"is not a readable {kind} file: {str(error).splitlines()[0]}", "write the file again; it may be cut"
    )
    return Part(pd.DataFrame(), text=False, findings=(finding,))
