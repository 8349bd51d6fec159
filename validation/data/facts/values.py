"""What the values of each column are: missing, of another dtype, not as declared; counts, first rows, first values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from gateline.contracts.schema import Column, Schema
from gateline.rows.buffers import Mask
from gateline.rows.cells import Cells, either, value_of
from gateline.rows.gathering import Columns
from gateline.rows.parts import SHOWN


@dataclass
class Faults:
    """Rows in which a value breaks a rule."""

    count: int = 0
    places: list[int] = field(default_factory=list)
    """Positions of the first of them."""
    values: list[Any] = field(default_factory=list)
    """The first different values, as they were read, of a public column."""

    @classmethod
    def of(cls, mask: Mask | None, cells: Cells | None = None) -> Faults:
        """Return those of a batch; `cells` are the values of a column that may be shown."""
        count = 0 if mask is None else int(np.count_nonzero(mask))
        if mask is None or not count:
            return cls()
        places = np.flatnonzero(mask)
        values = cells.found(places, SHOWN) if cells is not None else []
        return cls(count, places[:SHOWN].tolist(), values)

    def add(self, other: Faults, start: int) -> None:
        """Add those of a later batch."""
        self.count += other.count
        self.places += [start + place for place in other.places[: SHOWN - len(self.places)]]
        self.values += [value for value in other.values if value not in self.values][: SHOWN - len(self.values)]


@dataclass
class ColumnFacts:
    """One column, in a batch or in a whole table."""

    rows: int = 0
    missing: Faults = field(default_factory=Faults)
    wrong: Faults = field(default_factory=Faults)
    outside: Faults = field(default_factory=Faults)
    uncategorised: Faults = field(default_factory=Faults)
    unmatched: Faults = field(default_factory=Faults)
    sentinel: Faults = field(default_factory=Faults)
    """Declared ones."""
    broken: int = 0
    """Values that break the range, the categories or the pattern."""
    beyond: dict[float, tuple[int, int]] = field(default_factory=dict)
    """Values that make up more than half of those outside the range in some batches: how often there, and of how many."""
    least: float = np.inf
    """Of numbers; of datetimes in POSIX seconds."""
    greatest: float = -np.inf

    @property
    def known(self) -> int:
        """How many values are of the declared dtype."""
        return self.rows - self.missing.count - self.wrong.count

    def add(self, other: ColumnFacts, start: int) -> None:
        """Add a later batch."""
        for name in ("missing", "wrong", "outside", "uncategorised", "unmatched", "sentinel"):
            found = getattr(other, name)
            if found.count:
                getattr(self, name).add(found, start)
        self.rows, self.broken = self.rows + other.rows, self.broken + other.broken
        self.least, self.greatest = min(self.least, other.least), max(self.greatest, other.greatest)
        for value, (often, total) in other.beyond.items():
            before = self.beyond.get(value, (0, 0))
            self.beyond[value] = (before[0] + often, before[1] + total)


class Check:
    """What is declared of a column's values, ready to be held against many of them."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.low = -np.inf if column.minimum is None else column.minimum
        self.high = np.inf if column.maximum is None else column.maximum
        self.ranged = has_range(column)
        self.categories = None if column.categories is None else _listed(column, column.categories)
        self.sentinels = _listed(column, column.sentinels) if column.sentinels else None
        self.matches = None if column.pattern is None else re.compile(column.pattern).fullmatch
        self.matched: dict[str, bool] = {}

    def outside(self, cells: Cells) -> Mask | None:
        """Mark known values outside the range; None where there are none."""
        if not self.ranged or not len(cells.known):
            return None
        scale = 1e6 if cells.column.dtype == "datetime" else 1.0
        if float(cells.known.min()) / scale >= self.low and float(cells.known.max()) / scale <= self.high:
            return None
        numbers = cells.floats
        return _some((numbers < self.low) | (numbers > self.high))

    def uncategorised(self, cells: Cells) -> Mask | None:
        """Mark known values that are none of the categories."""
        if self.categories is None:
            return None
        return _some(cells.known_of(~self._among(cells, self.categories)))

    def declared_sentinels(self, cells: Cells) -> Mask | None:
        """Mark known values that are declared to stand for a missing one."""
        if self.sentinels is None:
            return None
        return _some(cells.known_of(self._among(cells, self.sentinels)))

    def _among(self, cells: Cells, listed: Any) -> Mask:
        if cells.column.dtype == "string":
            good = np.array([text in listed for text in cells.texts], dtype=bool)
            return good[cells.values] if len(good) else np.zeros(len(cells), dtype=bool)
        known = cells.known
        if len(known):
            apart = listed[(listed >= known.min()) & (listed <= known.max())]
            if not len(apart):
                return np.zeros(len(cells), dtype=bool)
        found: Mask = np.isin(cells.values, listed)
        return found

    def unmatched(self, cells: Cells) -> Mask | None:
        """Mark known strings that do not match the pattern; each different one is matched once."""
        if self.matches is None:
            return None
        bad = np.array([not self._is_match(text) for text in cells.texts], dtype=bool)
        return _some(cells.known_of(bad[cells.values])) if bad.any() else None

    def _is_match(self, text: str | None) -> bool:
        assert self.matches is not None
        plain = text or ""
        found = self.matched.get(plain)
        if found is None:
            if len(self.matched) > 2**16:
                self.matched.clear()
            found = self.matched[plain] = self.matches(plain) is not None
        return found

    def breaks(self, cells: Cells) -> Mask | None:
        """Mark known values outside the range, the categories or the pattern."""
        return _any(self.outside(cells), self.uncategorised(cells), self.unmatched(cells))


class Values:
    """The facts of all columns."""

    def __init__(self, schema: Schema) -> None:
        self.checks = {column.name: Check(column) for column in schema.columns}
        self.columns = {column.name: ColumnFacts() for column in schema.columns}

    def look(self, columns: Columns, rows: int) -> dict[str, ColumnFacts]:
        """Return the facts of one batch."""
        return {name: _facts(self.checks[name], cells) for name, cells in columns.items()}

    def add(self, seen: dict[str, ColumnFacts] | None, start: int) -> None:
        """Add them."""
        for name, facts in (seen or {}).items():
            self.columns[name].add(facts, start)


def _facts(check: Check, cells: Cells) -> ColumnFacts:
    column = check.column
    public = cells if column.public else None
    outside, other, unmatched = check.outside(cells), check.uncategorised(cells), check.unmatched(cells)
    broken = _any(outside, other, unmatched)
    facts = ColumnFacts(
        rows=len(cells),
        missing=Faults.of(cells.missing),
        wrong=Faults.of(cells.wrong, public),
        outside=Faults.of(outside, public),
        uncategorised=Faults.of(other, public),
        unmatched=Faults.of(unmatched, public),
        sentinel=Faults.of(check.declared_sentinels(cells), public),
        broken=0 if broken is None else int(np.count_nonzero(broken)),
    )
    if outside is not None:
        facts.beyond = _often(cells, outside)
    if column.dtype in ("integer", "number", "datetime") and len(cells.known):
        scale = 1e6 if column.dtype == "datetime" else 1.0
        facts.least, facts.greatest = float(cells.known.min()) / scale, float(cells.known.max()) / scale
    return facts


def _often(cells: Cells, outside: Mask) -> dict[float, tuple[int, int]]:
    """Return the value that makes up more than half of those outside the range, how often it does, and how many these are.

    A value that makes up nearly all of a table's does so in at least one of its batches.
    """
    values, counts = np.unique(cells.values[outside], return_counts=True)
    most, total = int(counts.argmax()), int(counts.sum())
    return {values[most].item(): (int(counts[most]), total)} if 2 * counts[most] > total else {}


def has_range(column: Column) -> bool:
    """Say whether a smallest or a largest value is declared."""
    return column.dtype in ("integer", "number", "datetime") and not (column.minimum is None and column.maximum is None)


def has_declared_values(column: Column) -> bool:
    """Say whether a range, categories or a pattern are declared."""
    return has_range(column) or column.categories is not None or column.pattern is not None


def _listed(column: Column, listed: Iterable[object]) -> Any:
    """Return declared values as the column's dtype has them: a set of strings, or an array of numbers."""
    if column.dtype == "string":
        return {str(value) for value in listed}
    if column.dtype == "datetime":
        moments = (value_of(str(value), "datetime") for value in listed)
        return np.array([moment for moment in moments if moment is not None], dtype=np.int64)
    return np.array([_number(value) for value in listed], dtype=np.float64)


def _number(value: object) -> float:
    try:
        return float(str(value)) if not isinstance(value, bool) else float(value)
    except ValueError:
        return float("inf")


def _any(*masks: Mask | None) -> Mask | None:
    return reduce(either, masks)


def _some(mask: Mask) -> Mask | None:
    return mask if mask.any() else None
