"""Rule `sentinel`: no value that stands for 'missing' elsewhere.

Declared sentinels must not appear. And where a range is declared: one and the same value, outside it and repeated,
that makes up nearly all of what is outside, is a sentinel that nobody declared.
"""

from __future__ import annotations

import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Mask, Typed
from validation.data.case import Case
from validation.data.rules.entries import columnwise
from validation.data.rules.values import among, has_range, outside

FEWEST = 3
"""Times that one value must stand outside the range to be taken for a sentinel."""
MOST = 0.9
"""Share of all values outside the range that it must make up."""


def sentinels(case: Case) -> list[Rule]:
    """Judge that no declared value of `sentinels` stands for 'missing', nor one repeated value outside a declared range."""
    return columnwise(
        case,
        "sentinel",
        declared=lambda column: bool(column.sentinels) or has_range(column),
        wrong=standing_for_missing,
        fault=lambda column: "stand for 'missing'",
        next_step=lambda column: "write missing values as empty, where the data is made",
    )


def standing_for_missing(values: Typed, column: Column) -> Mask:
    """Mark declared sentinels; without one, the repeated value outside the range."""
    mask = among(values, column, column.sentinels)
    if mask.any() or not has_range(column):
        return mask
    beyond = outside(values, column)
    counts = values.values[beyond].value_counts()
    if counts.empty or counts.iloc[0] < FEWEST or counts.iloc[0] < MOST * beyond.sum():
        return mask
    same = pd.Series(values.values == counts.index[0]).fillna(False)
    return same.to_numpy(bool) & values.known
