"""Rule `leak.target`: no single column is the target, or the target with noise.

Measured by R²: of the straight line from a numeric column to the target (for many classes: of the class means of the column),
or of the target's means by category. 1 is a copy; an honest predictor of two classes rarely comes near 0.9. A column with
fewer values than the target has classes cannot be a copy of it, however well it tells some of them apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.schema import Column
from contracts.verdict import Rule
from rows.typed import Typed
from validation.case import Case, Table
from validation.matrix import numbers_of
from validation.rules.entries import failing, passing, silent

FEWEST = 50
"""Rows with both values that a column needs."""
MOST_CLASSES = 20
"""A whole-number target with more values than this is a number to predict."""
MOST_CATEGORIES = 50

Floats = npt.NDArray[np.float64]


def leak_target(case: Case) -> list[Rule]:
    """Judge how much of the target one feature alone explains (R²): of two classes at most `max_label_r2`, or `max_flag_r2`
    where the feature has two values itself; of a number or of many classes at most `max_target_r2`."""
    if not case.schema.target:
        return [silent(case, "leak.target")]
    found = [one for table in case.tables for one in _measured(case, table)]
    if not found:
        return [silent(case, "leak.target", "no feature and target have enough rows in common")]
    entries = [_entry(case, *one) for one in found if one[2] > one[3]]
    if entries:
        return entries
    table, column, observed, limit, _ = max(found, key=lambda one: one[2] - one[3])
    reason = f"no column explains the target alone; the most: '{column.name}' of {table.name}, R² {observed:.3g}"
    return [passing(case, "leak.target", reason, sample=found[0][4], observed=observed, limit=limit)]


def _entry(case: Case, table: Table, column: Column, observed: float, limit: float, rows: int) -> Rule:
    return failing(
        case,
        "leak.target",
        table,
        f"explains the target '{case.schema.target}' alone with R² {observed:.3g}, above the limit {limit:.3g}",
        'if it is known only after the target, declare "feature": false; if it is honest, raise its limit in gates.data '
        "(max_label_r2, max_flag_r2, max_target_r2)",
        column=column.name,
        observed=observed,
        limit=limit,
        unit="R²",
        sample=rows,
    )


def _measured(case: Case, table: Table) -> list[tuple[Table, Column, float, float, int]]:
    target_column = case.schema.target_column
    target = table.typed(target_column)
    if target is None:
        return []
    codes, classes = _classes(target, target_column)
    found = []
    for column in case.schema.features:
        values = table.typed(column)
        both = target.known & values.known if values is not None else np.zeros(0, dtype=bool)
        if values is not None and both.sum() >= FEWEST:
            observed, limit = _r2(values, column, codes, classes, both), _limit(case, values, classes)
            found += [(table, column, observed, limit, int(both.sum()))] if observed is not None else []
    return found


def _limit(case: Case, values: Typed, classes: int) -> float:
    """Two classes are told apart by many honest numbers, but rarely by a column that has two values itself."""
    if classes != 2:
        return case.gate.max_target_r2
    flag = values.values[values.known].nunique() == 2
    return case.gate.max_flag_r2 if flag else case.gate.max_label_r2


def _classes(target: Typed, column: Column) -> tuple[Floats, int]:
    """Return the target as floats, shape (n,), and its number of classes; 0 for a number to predict."""
    codes, distinct = pd.factorize(target.values.astype(object))
    many = len(distinct) > MOST_CLASSES and column.categories is None
    if column.dtype == "number" or (column.dtype == "integer" and many):
        return numbers_of(target.values, column), 0
    return np.asarray(codes, dtype=np.float64), int(len(distinct))


def _r2(values: Typed, column: Column, target: Floats, classes: int, both: npt.NDArray[np.bool_]) -> float | None:
    if column.dtype == "string":
        known: pd.Series[Any] = values.values[both]
        if known.nunique() > MOST_CATEGORIES or classes > 2:
            return None
        return _between(target[both], known.to_numpy(dtype=object))
    numbers = numbers_of(values.values, column)[both]
    if classes > 2:
        distinct = len(np.unique(numbers))
        return _between(numbers, target[both]) if distinct >= classes else None
    return _line(numbers, target[both])


def _line(x: Floats, y: Floats) -> float:
    """Return the squared correlation; 0 where either does not vary."""
    x, y = x - x.mean(), y - y.mean()
    scale = float((x @ x) * (y @ y))
    return float(x @ y) ** 2 / scale if scale > 0 else 0.0


def _between(y: Floats, groups: npt.NDArray[Any]) -> float:
    """Return the share of y's variance that lies between groups (eta squared); 0 where y does not vary."""
    total = float(((y - y.mean()) ** 2).sum())
    means = pd.Series(y).groupby(pd.Series(groups)).transform("mean").to_numpy()
    return 1.0 - float(((y - means) ** 2).sum()) / total if total > 0 else 0.0
