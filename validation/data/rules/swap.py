"""Rule `column_swap`: no two columns of one dtype have changed places.

Between train and test: each of the two looks like the other's past, and unlike its own. Within a file: each breaks what is
declared of it, and fits what is declared of the other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from validation.data.case import DataCase, Table
from validation.data.facts.samples import Spread
from validation.data.facts.values import Check, has_declared_values
from validation.data.rules.entries import NO_ROW, failing, passing, silent

FEWEST = 0.05
"""Share of the two columns' values that must break what is declared of their own: a few are outliers, not a swap."""
MOST_PAIRS = 10_000
"""Pairs that are compared."""
Pair = tuple[Column, Column]
CLEARLY = 2.0
"""Times that a column must be further from its own past than from the other's."""


@dataclass(frozen=True)
class Sample:
    """Some of a column's values, missing ones left out: sorted numbers, or shares by string."""

    size: int
    numbers: npt.NDArray[np.float64]
    shares: Mapping[str, float]

    @classmethod
    def of(cls, spread: Spread) -> Sample:
        """Return what was taken of a column, evenly spread over its rows."""
        size = len(spread.kept)
        if spread.words:
            return cls(size, np.empty(0), {word: count / size for word, count in Counter(spread.kept).items()})
        return cls(size, spread.numbers, {})

    def distance(self, other: Sample) -> float:
        """Return how far two distributions are apart, 0 to 1: Kolmogorov-Smirnov for numbers, total variation for strings."""
        if len(self.numbers):
            both = np.concatenate([self.numbers, other.numbers])
            here, there = (np.searchsorted(one.numbers, both, side="right") / one.size for one in (self, other))
            return float(np.abs(here - there).max())
        words = self.shares.keys() | other.shares.keys()
        return math.fsum(abs(self.shares.get(word, 0.0) - other.shares.get(word, 0.0)) for word in words) / 2


def column_swap(case: DataCase) -> list[Rule]:
    """Judge every pair of columns of one dtype: neither may look like the other in train, or fit its declaration alone.

    Only columns that moved can have changed places. Of more than 10,000 pairs of these, the ones that moved most are compared,
    and the verdict says how many were not.
    """
    columns = [column for column in case.schema.columns if column.dtype != "boolean"]
    if case.pair is None:
        columns = [column for column in columns if has_declared_values(column)]
    pairs = sum(count * (count - 1) // 2 for count in Counter(column.dtype for column in columns).values())
    if not pairs:
        return [silent(case, "column_swap", "no two columns of one dtype can be compared")]
    if not all(table.rows for table in case.tables):
        return [silent(case, "column_swap", NO_ROW, "see the rules format and row_count")]
    left = 0
    entries = list[Rule]()
    for table in case.tables:
        found, more = _against_declared(case, table)
        entries, left = [*entries, *found], left + more
    if case.pair is not None and not entries:
        entries, more = _against_train(case, *case.pair)
        left += more
    sample = sum(table.rows for table in case.tables)
    told = f"none of {pairs} pairs changed places"
    told += f"; {left} pairs of columns that moved, the least of all, were not compared" if left else ""
    return entries or [passing(case, "column_swap", told, sample=sample)]


def _against_train(case: DataCase, train: Table, test: Table) -> tuple[list[Rule], int]:
    """Return the pairs that changed places between train and test, and how many were not compared."""
    roles = {case.schema.time, case.schema.target}
    past, now = _samples(train), _samples(test)
    names = [name for name in past if name in now and past[name].size and now[name].size and name not in roles]
    own = {name: past[name].distance(now[name]) for name in names}
    noise = {name: 2 * math.sqrt(1 / past[name].size + 1 / now[name].size) for name in names}
    moved = {name for name in names if own[name] > noise[name]}
    pairs, left = _most([*_pairs(case, moved, moved)], lambda a, b: min(own[a.name], own[b.name]))
    entries = []
    for a, b in pairs:
        crossed = max(past[a.name].distance(now[b.name]), past[b.name].distance(now[a.name]))
        straight = min(own[a.name], own[b.name])
        if straight > CLEARLY * crossed + max(noise[a.name], noise[b.name]):
            reason = (
                f"'{a.name}' looks like '{b.name}' in {train.name}, and the other way round: distance to its own past "
                f"{straight:.2g} or more, to the other's {crossed:.2g} or less"
            )
            entries.append(_entry(case, test, (a, b), reason, straight, CLEARLY * crossed))
    return entries, left


def _pairs(case: DataCase, some: Collection[str], others: Collection[str]) -> Iterator[tuple[Column, Column]]:
    """Yield the pairs of one dtype of which one is among `some` and the other among `others`, in the schema's order."""
    apart: dict[str, list[Column]] = {}
    for column in case.schema.columns:
        if column.dtype != "boolean" and (column.name in some or column.name in others):
            apart.setdefault(column.dtype, []).append(column)
    order = {column.name: place for place, column in enumerate(case.schema.columns)}
    found = [
        (a, b)
        for columns in apart.values()
        for place, a in enumerate(columns)
        for b in columns[place + 1 :]
        if (a.name in some and b.name in others) or (a.name in others and b.name in some)
    ]
    yield from sorted(found, key=lambda pair: (order[pair[0].name], order[pair[1].name]))


def _most(pairs: list[Pair], moved: Callable[[Column, Column], float]) -> tuple[list[Pair], int]:
    """Return the pairs that moved most, in their order, and how many are left out."""
    if len(pairs) <= MOST_PAIRS:
        return pairs, 0
    kept = set(sorted(range(len(pairs)), key=lambda place: -moved(*pairs[place]))[:MOST_PAIRS])
    return [pair for place, pair in enumerate(pairs) if place in kept], len(pairs) - MOST_PAIRS


def _samples(table: Table) -> dict[str, Sample]:
    found = table.facts.samples
    assert found is not None
    return {name: Sample.of(spread) for name, spread in found.columns.items() if name in table.facts.held}


def _against_declared(case: DataCase, table: Table) -> tuple[list[Rule], int]:
    """Return the pairs that fit each other's declarations and not their own, and how many were not compared."""
    declared = {column.name for column in case.schema.columns if has_declared_values(column)}
    broken = {column.name: _own_share(table, column) for column in case.schema.columns if column.name in declared}
    some = {name for name, share in broken.items() if share > 0.0}

    def straight(a: Column, b: Column) -> float:
        return broken[a.name] + broken[b.name]

    wanted = [
        (a, b)
        for a, b in _pairs(case, some, declared)
        if straight(a, b) >= FEWEST and _may_fit(table, a, b) and _may_fit(table, b, a)
    ]
    pairs, left = _most(wanted, straight)
    fitting = _fitting(table, {each for a, b in pairs for each in ((a.name, b.name), (b.name, a.name))})
    reason = "'{}' fits what is declared of '{}', and the other way round, but not its own"
    return [
        _entry(case, table, (a, b), reason.format(a.name, b.name), straight(a, b), FEWEST)
        for a, b in pairs
        if {(a.name, b.name), (b.name, a.name)} <= fitting
    ], left


def _own_share(table: Table, column: Column) -> float:
    """Return the share of a column's known values that break what is declared of it; 0 where it has none."""
    facts = table.column(column)
    return facts.broken / facts.known if facts is not None and facts.known else 0.0


def _may_fit(table: Table, column: Column, declared: Column) -> bool:
    """Say whether a column has known values, and all of them are within the range that is declared of another one."""
    facts = table.column(column)
    if facts is None or not facts.known:
        return False
    low = -math.inf if declared.minimum is None else declared.minimum
    high = math.inf if declared.maximum is None else declared.maximum
    return column.dtype == "string" or (low <= facts.least and facts.greatest <= high)


def _fitting(table: Table, pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of which every known value of the first column is as declared of the second; rows are read again."""
    columns = {column.name: column for column in table.schema.columns}
    checks = {name: Check(columns[name]) for _, name in pairs}
    left = {pair for pair in pairs if columns[pair[1]].categories is not None or columns[pair[1]].pattern is not None}
    fitting = set(pairs)
    for _, cells in table.again(*{name for name, _ in left}) if left else ():
        wrong = {(name, declared) for name, declared in left if checks[declared].breaks(cells[name]) is not None}
        left, fitting = left - wrong, fitting - wrong
    return fitting


def _entry(
    case: DataCase, table: Table, pair: tuple[Column, Column], reason: str, observed: float, limit: float
) -> Rule:
    step, named = "put the two columns back where the data is made", ", ".join(column.name for column in pair)
    facts: dict[str, Any] = {"observed": observed, "limit": limit, "unit": "distance", "sample": table.rows}
    return failing(case, "column_swap", table, reason, step, column=named, **facts)
