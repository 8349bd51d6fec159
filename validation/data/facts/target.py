"""How much of the target single columns tell: moments of all rows for R², and a sample of rows for order and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from gateline.contracts.schema import Column, Schema
from gateline.rows.buffers import arrow_of, numbers
from gateline.rows.cells import Cells
from gateline.rows.gathering import Columns

MOST_CLASSES = 20
"""A whole-number target with more values than this is a number to predict."""
MOST_CATEGORIES = 50
MOST_ROWS = 100_000
"""More rows are looked at in equal steps: a share of .99 is known from these."""
MOST_DISTINCT = 1024
"""Different values of a column that are counted."""
FEW = 8
"""Classes up to which each is summed up by itself."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass
class Moments:
    """Count, mean and sum of squared deviations of a column, for each class of the target; arrays of equal shape."""

    count: Floats
    mean: Floats
    spread: Floats

    def add(self, other: Moments) -> None:
        """Add those of more rows (Chan's formula)."""
        total = self.count + other.count
        share = other.count / np.maximum(total, 1.0)
        gap = other.mean - self.mean
        self.spread += other.spread + gap * gap * self.count * share
        self.mean += gap * share
        self.count = total


@dataclass
class Line:
    """What the squared correlation of each column with a target of numbers is made from; shape (columns,) each."""

    count: Floats
    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats

    def add(self, other: Line) -> None:
        """Add that of more rows."""
        total = self.count + other.count
        share = other.count / np.maximum(total, 1.0)
        dx, dy = other.x - self.x, other.y - self.y
        self.xx += other.xx + dx * dx * self.count * share
        self.yy += other.yy + dy * dy * self.count * share
        self.xy += other.xy + dx * dy * self.count * share
        self.x += dx * share
        self.y += dy * share
        self.count = total


@dataclass
class Seen:
    """What one batch tells."""

    labels: list[Any] | None
    """The different labels by their first appearance; None where the target can only be a number."""
    moments: Moments | None
    """Shape (numeric columns, labels)."""
    line: Line | None
    words: dict[str, dict[str, Any]]
    """For each column of words and each word: counts by label, and count, mean, spread of a numeric target."""
    distinct: dict[str, set[Any]]
    shared: dict[str, set[Any]]
    columns: Columns
    codes: npt.NDArray[np.intp] | None
    known: npt.NDArray[np.bool_] | None


@dataclass
class Sample:
    """Some rows with a label, in equal steps."""

    step: int = 1
    seen: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The values of features and of the target (''), rows by rows."""

    @property
    def rows(self) -> int:
        return sum(len(part[""]) for part in self.parts)

    def add(self, rows: npt.NDArray[np.intp], part: Any) -> None:
        """Add every step-th of some rows; `part` makes their values."""
        kept = rows[(-self.seen) % self.step :: self.step]
        self.seen += len(rows)
        if len(kept):
            self.parts.append(part(kept))
        while self.rows > MOST_ROWS:
            self.thin()

    def thin(self) -> None:
        """Leave out every second row."""
        at = 0
        for part in self.parts:
            size = len(part[""])
            for name in part:
                part[name] = part[name][at % 2 :: 2].copy()
            at += size
        self.step *= 2


class Target:
    """Moments, words and the sample of one table."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.column = schema.target_column
        self.numeric = [column for column in schema.features if column.dtype != "string"]
        self.places = {column.name: place for place, column in enumerate(self.numeric)}
        self.worded = [column for column in schema.features if column.dtype == "string"]
        self.labels: dict[Any, int] = {}
        self.is_number = self.column.dtype == "number"
        """Whether the target is a number to predict, and no class."""
        self.moments: Moments | None = None
        self.line: Line | None = None
        self.words: dict[str, dict[str, Any] | None] = {column.name: {} for column in self.worded}
        self.distinct: dict[str, set[Any]] = {column.name: set() for column in schema.features}
        self.shared: dict[str, set[Any]] = {column.name: set() for column in schema.features}
        """Of the rows with a target alone."""
        classes = self.column.categories if self.column.dtype != "boolean" else (False, True)
        self.most = FEW if classes is not None and len(classes) <= 2 else MOST_DISTINCT
        """Different values of a column that are counted: to tell whether it has two, or fewer than the target has classes."""
        self.may_be_number = self.is_number or (self.column.dtype == "integer" and self.column.categories is None)
        self.sample = Sample()
        self.known_words: dict[str, dict[str, int]] = {column.name: {} for column in self.worded}

    def look(self, columns: Columns, rows: int) -> Seen | None:
        """Return what a batch tells."""
        target = columns.get(self.column.name)
        if target is None:
            return None
        known = None if target.unknown is None else ~target.unknown
        labels, codes = self._labelled(target)
        x, there = _matrix([columns.get(column.name) for column in self.numeric], rows)
        moments = None
        if labels is not None and codes is not None:
            moments = _moments(x, there, codes, len(labels))
        line = None
        if self.may_be_number:
            line = _line(x, there, target.floats)
        words = {
            column.name: _words(columns[column.name], labels, codes, target if self.may_be_number else None, known)
            for column in self.worded
            if column.name in columns and self.words[column.name] is not None
        }
        distinct = {name: _distinct(columns[name]) for name in self._open(self.distinct, columns)}
        shared = distinct
        if known is not None:
            shared = {name: _distinct(columns[name], known) for name in self._open(self.shared, columns)}
        return Seen(labels, moments, line, words, distinct, shared, columns, codes, known)

    def _open(self, sets: Mapping[str, set[Any]], columns: Columns) -> list[str]:
        """Return the columns of which not enough different values are known yet."""
        return [name for name, values in sets.items() if name in columns and len(values) <= self.most]

    def _labelled(self, target: Cells) -> tuple[list[Any] | None, npt.NDArray[np.intp] | None]:
        """Return the different labels of a batch and each row's place among them, -1 where there is none."""
        if self.is_number:
            return None, None
        values = target.values if target.unknown is None else target.known
        found = arrow_of(values).dictionary_encode()
        places = found.dictionary.to_pylist()
        if self.column.dtype == "integer" and self.column.categories is None and len(places) > MOST_CLASSES:
            return None, None
        codes = numbers(found.indices).astype(np.intp)
        if target.unknown is not None:
            every = np.full(len(target), -1, dtype=np.intp)
            every[~target.unknown] = codes
            codes = every
        if self.column.dtype == "string":
            texts = target.texts
            places = [texts[place] for place in places]
        return places, codes

    def add(self, seen: Seen | None, start: int) -> None:
        """Add what a batch tells."""
        if seen is None:
            return
        self._add_labelled(seen)
        if seen.line is not None:
            if self.line is None:
                self.line = seen.line
            else:
                self.line.add(seen.line)
        self._add_words(seen)
        for mine, theirs in ((self.distinct, seen.distinct), (self.shared, seen.shared)):
            for name, values in theirs.items():
                if len(mine[name]) <= self.most:
                    mine[name] |= values

    def _add_labelled(self, seen: Seen) -> None:
        """Add what is told by classes, as long as the target may be one."""
        if seen.labels is not None and not self.is_number:
            places = np.array([self.labels.setdefault(label, len(self.labels)) for label in seen.labels], dtype=np.intp)
            if self.column.dtype != "integer" or self.column.categories is not None or len(self.labels) <= MOST_CLASSES:
                self._add_moments(seen, places)
                self._add_sample(seen, places)
                return
        self.is_number = True
        self.moments, self.sample, self.labels = None, Sample(), {}

    def _add_moments(self, seen: Seen, places: npt.NDArray[np.intp]) -> None:
        if seen.moments is None:
            return
        columns, labels = len(self.numeric), len(self.labels)
        if self.moments is None:
            self.moments = Moments(*(np.zeros((columns, labels)) for _ in range(3)))
        if self.moments.count.shape[1] < labels:
            more = ((0, 0), (0, labels - self.moments.count.shape[1]))
            old = self.moments
            self.moments = Moments(*(np.pad(each, more) for each in (old.count, old.mean, old.spread)))
        spread = Moments(*(np.zeros((columns, labels)) for _ in range(3)))
        for name in ("count", "mean", "spread"):
            getattr(spread, name)[:, places] = getattr(seen.moments, name)
        self.moments.add(spread)

    def _add_sample(self, seen: Seen, places: npt.NDArray[np.intp]) -> None:
        codes = seen.codes
        assert codes is not None
        rows = np.arange(len(codes)) if seen.known is None else np.flatnonzero(seen.known)
        there = [column for column in self.schema.features if column.name in seen.columns]

        def part(kept: npt.NDArray[np.intp]) -> dict[str, Any]:
            made: dict[str, Any] = {column.name: self._values(column, seen.columns[column.name], kept) for column in there}
            return made | {"": places[codes[kept]]}

        self.sample.add(rows, part)

    def _values(self, column: Column, cells: Cells, kept: npt.NDArray[np.intp]) -> Any:
        """Return numbers with NaN for missing; of words, their places among all that were seen, -1 for missing."""
        unknown = None if cells.unknown is None else cells.unknown[kept]
        if column.dtype != "string":
            values = cells.values[kept].astype(np.float64)
            values = values / 1e6 if column.dtype == "datetime" else values
            return values if unknown is None else np.where(unknown, np.nan, values)
        known = self.known_words[column.name]
        texts, codes = cells.texts, cells.values[kept]
        used = np.unique(codes if unknown is None else codes[~unknown])
        places = np.full(len(texts) or 1, -1, dtype=np.intp)
        for place in used.tolist():
            places[place] = known.setdefault(texts[place], len(known))
        found = places[codes]
        return found if unknown is None else np.where(unknown, -1, found)

    def _add_words(self, seen: Seen) -> None:
        for name, words in seen.words.items():
            known = self.words[name]
            if known is None:
                continue
            for word, told in words.items():
                mine = known.setdefault(word, {"labels": {}, "moments": Moments(np.zeros(1), np.zeros(1), np.zeros(1))})
                for label, count in told["labels"].items():
                    mine["labels"][label] = mine["labels"].get(label, 0) + count
                mine["moments"].add(told["moments"])
            if len(known) > MOST_CATEGORIES:
                self.words[name] = None


def _matrix(columns: Sequence[Cells | None], rows: int) -> tuple[Floats, Floats]:
    """Return numbers of shape (columns, rows), 0 where there is none, and 1 where there is one."""
    x, there = np.zeros((len(columns), rows)), np.ones((len(columns), rows))
    for place, cells in enumerate(columns):
        if cells is None:
            there[place] = 0.0
            continue
        scale = 1e6 if cells.column.dtype == "datetime" else 1.0
        np.divide(cells.values, scale, out=x[place])
        if cells.unknown is not None:
            x[place][cells.unknown] = 0.0
            there[place][cells.unknown] = 0.0
    return x, there


def _moments(x: Floats, there: Floats, codes: npt.NDArray[np.intp], labels: int) -> Moments:
    middle = x.sum(axis=1) / np.maximum(there.sum(axis=1), 1.0)
    centred = (x - middle[:, None]) * there
    known = codes >= 0
    count, total, squares = (np.zeros((len(x), labels)) for _ in range(3))
    if labels <= FEW:
        squared = centred * centred
        for label in range(labels):
            is_one = (codes == label).astype(np.float64)
            count[:, label], total[:, label], squares[:, label] = (_sums(each, is_one) for each in (there, centred, squared))
    else:
        for place in range(len(x)):
            some = codes[known]
            count[place] = np.bincount(some, there[place][known], labels)
            total[place] = np.bincount(some, centred[place][known], labels)
            squares[place] = np.bincount(some, (centred[place] * centred[place])[known], labels)
    mean = total / np.maximum(count, 1.0)
    return Moments(count, np.where(count > 0, mean + middle[:, None], 0.0), np.maximum(squares - count * mean * mean, 0.0))


def _line(x: Floats, there: Floats, target: Floats) -> Line:
    known = ~np.isnan(target)
    both = there * known
    middle = float(target[known].mean()) if known.any() else 0.0
    y = np.where(known, target - middle, 0.0)
    count = both.sum(axis=1)
    safe = np.maximum(count, 1.0)
    mx = _sums(x, known.astype(np.float64)) / safe
    centred = (x - mx[:, None]) * both
    my = _sums(there, y) / safe
    yy = _sums(there, y * y) - count * my * my
    return Line(count, mx, my + middle, (centred * centred).sum(axis=1), np.maximum(yy, 0.0), _sums(centred, y))


def _sums(matrix: Floats, weights: Floats) -> Floats:
    """Return each row's weighted sum, in this thread alone: BLAS starts others, which wait for each other busily."""
    found: Floats = np.einsum("ij,j->i", matrix, weights)
    return found


def _words(
    cells: Cells, labels: list[Any] | None, codes: Codes | None, target: Cells | None, known: npt.NDArray[np.bool_] | None
) -> dict[str, Any]:
    """Return what each word of a batch tells of the target; at least one more than are looked at where there are many.

    `target` is one that may be a number to predict, `known` says where there is one.
    """
    both = np.ones(len(cells), dtype=bool) if known is None else known
    if cells.unknown is not None:
        both = both & ~cells.unknown
    words, texts = cells.values[both].astype(np.intp), cells.texts
    sizes = np.bincount(words, minlength=len(texts))
    used = np.flatnonzero(sizes)
    middle, total, squares = 0.0, *np.zeros((2, len(texts)), dtype=np.float64)
    if target is not None:
        y = target.floats[both]
        middle = float(y.mean()) if len(y) else 0.0
        total = np.bincount(words, y - middle, len(texts)).astype(np.float64)
        squares = np.bincount(words, (y - middle) ** 2, len(texts)).astype(np.float64)
    table = None
    if labels is not None and codes is not None and len(used) <= MOST_CATEGORIES:
        table = np.bincount(words * len(labels) + codes[both], minlength=len(texts) * len(labels))
        table = table.reshape(len(texts), len(labels))
    found = {}
    for word in used[: MOST_CATEGORIES + 1].tolist():
        mean = total[word] / sizes[word]
        spread = max(squares[word] - sizes[word] * mean * mean, 0.0)
        by_label = {}
        if table is not None and labels is not None:
            by_label = {labels[at]: int(table[word, at]) for at in np.flatnonzero(table[word])}
        moments = Moments(*(np.array([each], dtype=np.float64) for each in (sizes[word], mean + middle, spread)))
        found[texts[word]] = {"labels": by_label, "moments": moments}
    return found


def _distinct(cells: Cells, among: npt.NDArray[np.bool_] | None = None) -> set[Any]:
    known = cells.known
    if among is not None:
        known = cells.values[cells.known_of(among)]
    values = pc.unique(arrow_of(known)).slice(0, MOST_DISTINCT + 1).to_pylist()
    return {cells.texts[value] for value in values} if cells.column.dtype == "string" else set(values)
