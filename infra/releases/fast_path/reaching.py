"""Rows that reach a node of a tree with the value at which it decides, or next to it: only these show how it decides."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from infra.releases.fast_path.writer import Column, Columns, Indicator, Number

Raw = dict[int, Any]
"""Values of some features, by place."""


@dataclass(frozen=True)
class Split:
    """A node that decides: above `threshold` it is right; or, where `words` are given, left for these codes."""

    feature: int
    threshold: float
    left: int
    right: int
    missing_left: bool
    words: frozenset[int] | None = None


@dataclass(frozen=True)
class Allowed:
    """What a column may hold to reach a node: more than `low`, at most `high`, one of `codes` where there are any."""

    low: float = -math.inf
    high: float = math.inf
    codes: frozenset[int] | None = None
    missing: bool = True
    """Whether a missing value would have come this way, too."""

    def below(self, split: Split) -> Allowed:
        """Return what still goes left."""
        if split.words is not None:
            return replace(self, codes=self._codes() & split.words, missing=self.missing and split.missing_left)
        return replace(self, high=min(self.high, split.threshold), missing=self.missing and split.missing_left)

    def above(self, split: Split) -> Allowed:
        """Return what still goes right."""
        if split.words is not None:
            return replace(self, codes=self._codes() - split.words, missing=self.missing and not split.missing_left)
        return replace(self, low=max(self.low, split.threshold), missing=self.missing and not split.missing_left)

    def _codes(self) -> frozenset[int]:
        return frozenset(range(256)) if self.codes is None else self.codes


@dataclass
class Wish:
    """The values of features that bring a row to a node."""

    raw: Raw = field(default_factory=dict)
    _not: dict[int, tuple[Indicator, set[int]]] = field(default_factory=dict)

    def put(self, column: Column, value: float) -> None:
        """Wish for a value of a column, or for the nearest that its feature can make."""
        if column.place < 0:
            return
        if isinstance(column, Indicator):
            if abs(value - column.on) < abs(value - column.off):
                self.raw[column.place] = column.words[column.index]
            else:
                self._not.setdefault(column.place, (column, set()))[1].add(column.index)
        elif isinstance(column, Number):
            self.raw[column.place] = column.raw(value)

    def settled(self, chance: random.Random) -> Raw:
        """Return the wish, with any word for a category that only must not be some."""
        others = {
            place: [word for index, word in enumerate(column.words) if index not in refused]
            for place, (column, refused) in self._not.items()
            if place not in self.raw
        }
        return {**self.raw, **{place: chance.choice(words) for place, words in others.items() if words}}


def reaching(splits: Mapping[int, Split], columns: Columns, chance: random.Random, share: float = 1.0) -> Iterator[Raw]:
    """Yield, for each node of a tree (the root is 0), wishes that reach it at, below and above what it compares with.

    Of the nodes, only a share that is chosen by chance.
    """
    waiting: list[tuple[int, dict[int, Allowed]]] = [(0, {})]
    while waiting:
        node, bounds = waiting.pop()
        if (split := splits.get(node)) is None:
            continue
        here = bounds.get(split.feature, Allowed())
        chosen = share == 1.0 or chance.random() < share
        for value in (*_around(columns[split.feature], split), *([math.nan] if here.missing else [])) if chosen else ():
            yield _wish(columns, bounds, split.feature, value, chance)
        waiting.append((split.right, {**bounds, split.feature: here.above(split)}))
        waiting.append((split.left, {**bounds, split.feature: here.below(split)}))


def _around(column: Column, split: Split) -> Sequence[float]:
    """Return values of a column on both sides of what a node compares with, and at it."""
    if split.words is not None:
        return [*map(float, sorted(split.words)), float(max(split.words, default=0) + 1)]
    if isinstance(column, Indicator):
        return column.on, column.off
    if isinstance(column, Number) and column.codes:
        below = [code for code in column.codes if code <= split.threshold]
        above = [code for code in column.codes if code > split.threshold]
        return [*([max(below)] if below else []), *([min(above)] if above else [])]
    if not math.isfinite(split.threshold):  # what is missing is told from what is not
        return [0.0]
    return [split.threshold, math.nextafter(split.threshold, -math.inf), math.nextafter(split.threshold, math.inf)]


def _wish(columns: Columns, bounds: Mapping[int, Allowed], feature: int, value: float, chance: random.Random) -> Raw:
    wish = Wish()
    for other, allowed in bounds.items():
        if other != feature and (found := _inside(columns[other], allowed, chance)) is not None:
            wish.put(columns[other], found)
    wish.put(columns[feature], value)
    return wish.settled(chance)


def _inside(column: Column, allowed: Allowed, chance: random.Random) -> float | None:
    """Return a value of a column that is allowed; None where there is none."""
    low, high = allowed.low, allowed.high
    if low == math.inf:
        return math.nan
    if isinstance(column, Indicator):
        return next((value for value in (column.on, column.off) if low < value <= high), None)
    if isinstance(column, Number) and column.codes:
        codes = [code for code in column.codes if low < code <= high and (allowed.codes is None or code in allowed.codes)]
        return chance.choice(codes) if codes else None
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) / 2.0
    if math.isfinite(low):
        return low + max(1.0, abs(low)) * 0.01
    return high - max(1.0, abs(high)) * 0.01 if math.isfinite(high) else None
