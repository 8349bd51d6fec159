"""Rule `leak.target`: no single column is the target, or the target with noise.

Measured by R²: of the straight line from a numeric column to the target (for many classes: of the class means of the column),
or of the target's means by category. 1 is a copy; an honest predictor of two classes rarely comes near 0.9. A column with
fewer values than the target has classes cannot be a copy of it, however well it tells some of them apart.

A column may also tell classes without being a copy: all 'yes' are small, and 'no' is spread over thousands. That is measured
over all files together: of two classes by the area under the column's own ROC curve, of any by how many rows its intervals
(of words, each one's most frequent class) tell right. That a value is missing is a column of two values, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Typed
from tests.validation.data.oracle.case import DataCase, Table
from tests.validation.data.oracle.entries import failing, passing, silent
from tests.validation.data.oracle.typed import numbers_of
from validation.metrics import Floats
from validation.telling import Codes, own_auc, told

FEWEST = 50
"""Rows with both values that a column needs."""
MOST_CLASSES = 20
"""A whole-number target with more values than this is a number to predict."""
MOST_CATEGORIES = 50
FEWEST_OF_CLASS = 10
"""Rows of the smaller class below which one column may rank all of them by chance."""
FEWEST_TO_TELL = 100
"""Rows below which intervals of one column may tell many classes by chance."""
ROWS_PER_WORD = 10
MOST_ROWS = 100_000
"""More rows are looked at in equal steps: a share of .99 is known from these."""
HONEST = 'if it is known only after the target, declare "feature": false; if it is honest, raise its limit in gates.data'


def leak_target(case: DataCase) -> list[Rule]:
    """Judge how much of the target one feature alone explains (R²): of two classes at most `max_label_r2`, or `max_flag_r2`
    where the feature has two values itself; of a number or of many classes at most `max_target_r2`. And how well one ranks two
    classes (its AUC below `max_column_auc`) or tells classes by intervals (below `max_column_told`)."""
    if not case.schema.target:
        return [silent(case, "leak.target")]
    found = [one for table in case.tables for one in _measured(case, table)]
    if not found:
        return [silent(case, "leak.target", "no feature and target have enough rows in common")]
    entries = [_entry(case, *one) for one in found if one[2] > one[3]]
    named = {entry.subject.rpartition(": ")[2] for entry in entries}
    entries += [_telling(case, *one) for one in _tellings(case) if one[0].name not in named]
    if entries:
        return entries
    table, column, observed, limit, _ = max(found, key=lambda one: one[2] - one[3])
    reason = f"no column explains the target alone; the most: '{column.name}' of {table.name}, R² {observed:.3g}"
    return [passing(case, "leak.target", reason, sample=found[0][4], observed=observed, limit=limit)]


def _entry(case: DataCase, table: Table, column: Column, observed: float, limit: float, rows: int) -> Rule:
    reason = f"explains the target '{case.schema.target}' alone with R² {observed:.3g}, above the limit {limit:.3g}"
    facts: dict[str, Any] = {"observed": observed, "limit": limit, "unit": "R²", "sample": rows}
    step = f"{HONEST} (max_label_r2, max_flag_r2, max_target_r2)"
    return failing(case, "leak.target", table, reason, step, column=column.name, **facts)


def _telling(case: DataCase, column: Column, how: str, observed: float, limit: float, rows: int) -> Rule:
    reason = f"tells the classes of '{case.schema.target}' apart alone: {how} {observed:.4g}, allowed less than {limit:.3g}"
    facts: dict[str, Any] = {"observed": observed, "limit": limit, "unit": how, "sample": rows}
    step = f"{HONEST} (max_column_auc, max_column_told)"
    return failing(case, "leak.target", case.tables[0], reason, step, column=column.name, **facts)


def _tellings(case: DataCase) -> list[tuple[Column, str, float, float, int]]:
    """Return the columns that tell the classes, over all files together."""
    target_column = case.schema.target_column
    targets = [table.typed(target_column) for table in case.tables]
    if any(target is None or _classes(target, target_column)[1] < 2 for target in targets):
        return []
    known = [np.asarray(target.known, dtype=bool) for target in targets if target is not None]
    labels = pd.concat([target.values.astype(object)[target.known] for target in targets if target is not None])
    codes, distinct = pd.factorize(labels, sort=False)
    step, found = 1 + len(codes) // MOST_ROWS, []
    for column in case.schema.features:
        parts = [table.typed(column) for table in case.tables]
        if all(part is not None for part in parts):
            kept = [part.values[rows] for part, rows in zip(parts, known, strict=True) if part is not None]
            one = _tells(case, column, pd.concat(kept)[::step], codes[::step].astype(np.intp), len(distinct))
            found += [(column, *one)] if one is not None else []
    return found


def _tells(
    case: DataCase, column: Column, values: pd.Series[Any], codes: Codes, classes: int
) -> tuple[str, float, float, int] | None:
    """Return how a column tells the classes, how well, the limit and the rows; None where it does not reach the limit."""
    missing = values.isna().to_numpy(bool)
    numbers = [(missing.astype(np.float64), codes)] if missing.any() and not missing.all() else []
    known = (~missing).nonzero()[0]
    if column.dtype == "string":
        words, distinct = pd.factorize(values.iloc[known].astype(object))
        if len(distinct) <= MOST_CATEGORIES and len(known) >= ROWS_PER_WORD * len(distinct):
            numbers.append((_in_order(words, codes[known], classes), codes[known]))
    else:
        numbers.append((numbers_of(values.iloc[known], column), codes[known]))
    best: tuple[str, float, float, int] | None = None
    for measured, labels in numbers:
        counts = np.bincount(labels, minlength=classes)
        pairs: list[tuple[str, float, float]] = []
        if len(labels) >= FEWEST_TO_TELL and counts.min() >= FEWEST_OF_CLASS:
            pairs.append(("share told", told(measured, labels, classes), case.gate.max_column_told))
        if classes == 2 and len(labels) >= FEWEST and counts.min() >= FEWEST_OF_CLASS:
            pairs.append(("AUC", own_auc(measured, labels == 1), case.gate.max_column_auc))
        for how, observed, limit in pairs:
            if limit < 1.0 and observed >= limit:
                best = (how, observed, limit, len(labels))
    return best


def _in_order(words: Codes, codes: Codes, classes: int) -> Floats:
    """Return a number for each word's row, so that words of one class stand together: of two, the share of the second."""
    table = np.zeros((int(words.max(initial=0)) + 1, classes))
    np.add.at(table, (words, codes), 1.0)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    order = shares[:, 1] if classes == 2 else shares.argmax(axis=1) + 0.0
    return np.asarray(order[words], dtype=np.float64)


def _measured(case: DataCase, table: Table) -> list[tuple[Table, Column, float, float, int]]:
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
            observed, limit = _r2(values, column, codes, classes, both), case.gate.max_target_r2
            if classes == 2:  # told apart by many honest numbers, but rarely by a column that has two values itself
                flag = values.values[values.known].nunique() == 2
                limit = case.gate.max_flag_r2 if flag else case.gate.max_label_r2
            found += [(table, column, observed, limit, int(both.sum()))] if observed is not None else []
    return found


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
    x, y = numbers_of(values.values, column)[both], target[both]
    if classes > 2:
        return _between(x, y) if len(np.unique(x)) >= classes else None
    x, y = x - x.mean(), y - y.mean()
    scale = float((x @ x) * (y @ y))
    return float(x @ y) ** 2 / scale if scale > 0 else 0.0  # the squared correlation


def _between(y: Floats, groups: npt.NDArray[Any]) -> float:
    """Return the share of y's variance between groups (eta squared); 0 where y does not vary."""
    total = float(((y - y.mean()) ** 2).sum())
    means = pd.Series(y).groupby(pd.Series(groups)).transform("mean").to_numpy()
    return 1.0 - float(((y - means) ** 2).sum()) / total if total > 0 else 0.0
