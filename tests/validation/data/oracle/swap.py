"""Rule `column_swap`: no two columns of one dtype have changed places.

Between train and test: each of the two looks like the other's past, and unlike its own. Within a file: each breaks what is
declared of it, and fits what is declared of the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Typed
from tests.validation.data.oracle.case import DataCase, Table
from tests.validation.data.oracle.entries import NO_ROW, failing, passing, silent
from tests.validation.data.oracle.typed import numbers_of
from tests.validation.data.oracle.values import breaks, has_declared_values

MOST = 2000
"""Values of a column that are compared, evenly spread over its rows."""
FEWEST = 0.05
"""Share of the two columns' values that must break what is declared of their own: a few are outliers, not a swap."""
CLEARLY = 2.0
"""Times that a column must be further from its own past than from the other's."""


@dataclass(frozen=True)
class Sample:
    """Some of a column's values, missing ones left out: sorted numbers, or shares by string."""

    size: int
    numbers: npt.NDArray[np.float64]
    shares: pd.Series[Any]

    @classmethod
    def of(cls, values: Typed, column: Column) -> Sample:
        """Take every k-th row, so that at most `MOST` are looked at."""
        step = max(1, len(values.missing) // MOST)
        known = values.values[values.known].iloc[::step]
        if column.dtype == "string":
            return cls(len(known), np.empty(0), known.value_counts(normalize=True))
        return cls(len(known), np.sort(numbers_of(known, column)), pd.Series(dtype="float64"))

    def distance(self, other: Sample) -> float:
        """Return how far two distributions are apart, 0 to 1: Kolmogorov-Smirnov for numbers, total variation for strings."""
        if len(self.numbers):
            both = np.concatenate([self.numbers, other.numbers])
            here, there = (np.searchsorted(one.numbers, both, side="right") / one.size for one in (self, other))
            return float(np.abs(here - there).max())
        return float(self.shares.sub(other.shares, fill_value=0.0).abs().sum() / 2)


def column_swap(case: DataCase) -> list[Rule]:
    """Judge every pair of columns of one dtype: neither may look like the other in train, or fit its declaration alone."""
    pairs = [(a, b) for a, b in combinations(case.schema.columns, 2) if a.dtype == b.dtype != "boolean"]
    if case.pair is None:
        pairs = [(a, b) for a, b in pairs if has_declared_values(a) and has_declared_values(b)]
    if not pairs:
        return [silent(case, "column_swap", "no two columns of one dtype can be compared")]
    if not all(table.rows for table in case.tables):
        return [silent(case, "column_swap", NO_ROW, "see the rules format and row_count")]
    entries = [entry for table in case.tables for entry in _against_declared(case, table, pairs)]
    if case.pair is not None and not entries:
        entries = list(_against_train(case, *case.pair, pairs))
    sample = sum(table.rows for table in case.tables)
    return entries or [passing(case, "column_swap", f"none of {len(pairs)} pairs changed places", sample=sample)]


def _against_train(case: DataCase, train: Table, test: Table, pairs: list[tuple[Column, Column]]) -> Iterator[Rule]:
    roles = {case.schema.time, case.schema.target}
    past = {name: Sample.of(values, case.schema.column(name)) for name, values in train.columns.items()}
    now = {name: Sample.of(values, case.schema.column(name)) for name, values in test.columns.items()}
    names = [name for name in past if name in now and past[name].size and now[name].size and name not in roles]
    own = {name: past[name].distance(now[name]) for name in names}
    noise = {name: 2 * math.sqrt(1 / past[name].size + 1 / now[name].size) for name in names}
    for a, b in pairs:
        if not all(one.name in own and own[one.name] > noise[one.name] for one in (a, b)):
            continue
        crossed = max(past[a.name].distance(now[b.name]), past[b.name].distance(now[a.name]))
        straight = min(own[a.name], own[b.name])
        if straight > CLEARLY * crossed + max(noise[a.name], noise[b.name]):
            reason = (
                f"'{a.name}' looks like '{b.name}' in {train.name}, and the other way round: distance to its own past "
                f"{straight:.2g} or more, to the other's {crossed:.2g} or less"
            )
            yield _entry(case, test, (a, b), reason, straight, CLEARLY * crossed)


def _against_declared(case: DataCase, table: Table, pairs: list[tuple[Column, Column]]) -> Iterator[Rule]:
    broken = {column.name: _share(table, column, column) for column in case.schema.columns}
    for a, b in pairs:
        straight = broken[a.name] + broken[b.name]
        if straight >= FEWEST and has_declared_values(a) and has_declared_values(b):
            if _share(table, a, b) == _share(table, b, a) == 0.0:
                reason = f"'{a.name}' fits what is declared of '{b.name}', and the other way round, but not its own"
                yield _entry(case, table, (a, b), reason, straight, FEWEST)


def _share(table: Table, column: Column, declared: Column) -> float:
    """Return the share of a column's known values that break what is declared of another; 1 where it has none."""
    values = table.typed(column)
    if values is None or not values.known.any():
        return 1.0 if column is not declared else 0.0
    return float(breaks(values, declared).sum() / values.known.sum())


def _entry(
    case: DataCase, table: Table, pair: tuple[Column, Column], reason: str, observed: float, limit: float
) -> Rule:
    step, named = "put the two columns back where the data is made", ", ".join(column.name for column in pair)
    facts: dict[str, Any] = {"observed": observed, "limit": limit, "unit": "distance", "sample": table.rows}
    return failing(case, "column_swap", table, reason, step, column=named, **facts)
