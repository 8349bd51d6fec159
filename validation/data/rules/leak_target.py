"""Rule `leak.target`: no single column is the target, or the target with noise.

Measured by R²: of the straight line from a numeric column to the target (for many classes: of the class means of the column),
or of the target's means by category. 1 is a copy; an honest predictor of two classes rarely comes near 0.9. A column with
fewer values than the target has classes cannot be a copy of it, however well it tells some of them apart.

A column may also tell classes without being a copy: all 'yes' are small, and 'no' is spread over thousands. That is measured
over all files together: of two classes by the area under the column's own ROC curve, of any by how many rows its intervals
(of words, each one's most frequent class) tell right. That a value is missing is a column of two values, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from validation.data.case import DataCase, Table
from validation.data.facts.target import MOST_CATEGORIES, MOST_ROWS, Line, Moments, Target
from validation.data.rules.entries import failing, passing, silent
from validation.metrics import Floats
from validation.telling import Codes, own_auc, told

FEWEST = 50
"""Rows with both values that a column needs."""
FEWEST_OF_CLASS = 10
"""Rows of the smaller class below which one column may rank all of them by chance."""
FEWEST_TO_TELL = 100
"""Rows below which intervals of one column may tell many classes by chance."""
ROWS_PER_WORD = 10
PARTS = ("count", "mean", "spread")
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
    targets = [_target(table) for table in case.tables]
    held = [table for table in case.tables if case.schema.target in table.facts.held]
    if len(held) < len(case.tables) or any(_classes(target) < 2 for target in targets):
        return []
    samples = [target.sample for target in targets]
    while sum(sample.rows for sample in samples) > MOST_ROWS or len({sample.step for sample in samples}) > 1:
        least = min(sample.step for sample in samples)
        for sample in (sample for sample in samples if sample.step == least):
            sample.thin()
    labels = list(dict.fromkeys(label for target in targets for label in target.labels))
    codes = np.concatenate([_recoded(target.labels, labels)[part[""]] for target in targets for part in target.sample.parts])
    found = []
    for column in case.schema.features:
        if all(column.name in table.facts.held for table in case.tables):
            one = _tells(case, column, _sampled(column, targets), codes, len(labels))
            found += [(column, *one)] if one is not None else []
    return found


def _target(table: Table) -> Target:
    assert table.facts.target is not None
    return table.facts.target


def _recoded(known: Mapping[Any, int], every: Sequence[Any]) -> Codes:
    """Return the places in `every` of what is known, in its order."""
    places = {label: place for place, label in enumerate(every)}
    return np.array([places[label] for label in known], dtype=np.intp)


def _sampled(column: Column, targets: Sequence[Target]) -> npt.NDArray[Any]:
    """Return a column's values in the sampled rows: numbers with NaN, or places of words with -1, for missing ones."""
    if column.dtype != "string":
        return np.concatenate([part[column.name] for target in targets for part in target.sample.parts])
    words = list(dict.fromkeys(word for target in targets for word in target.known_words[column.name]))
    found = []
    for target in targets:
        places = np.append(_recoded(target.known_words[column.name], words), -1)
        found += [places[part[column.name]] for part in target.sample.parts]
    return np.concatenate(found)


def _tells(
    case: DataCase, column: Column, values: npt.NDArray[Any], codes: Codes, classes: int
) -> tuple[str, float, float, int] | None:
    """Return how a column tells the classes, how well, the limit and the rows; None where it does not reach the limit."""
    missing = values < 0 if column.dtype == "string" else np.isnan(values)
    numbers = [(missing.astype(np.float64), codes)] if missing.any() and not missing.all() else []
    known = (~missing).nonzero()[0]
    if column.dtype == "string":
        distinct = len(np.unique(values[known]))
        if distinct <= MOST_CATEGORIES and len(known) >= ROWS_PER_WORD * distinct:
            numbers.append((_in_order(values[known], codes[known], classes), codes[known]))
    else:
        numbers.append((values[known], codes[known]))
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
    if case.schema.target not in table.facts.held:
        return []
    target = _target(table)
    classes, found = _classes(target), []
    for column in case.schema.features:
        if column.name not in table.facts.held:
            continue
        observed, rows = _r2(target, column, classes)
        limit = case.gate.max_target_r2
        if classes == 2:  # told apart by many honest numbers, but rarely by a column that has two values itself
            flag = len(target.distinct[column.name]) == 2
            limit = case.gate.max_flag_r2 if flag else case.gate.max_label_r2
        found += [(table, column, observed, limit, rows)] if observed is not None and rows >= FEWEST else []
    return found


def _classes(target: Target) -> int:
    """Return the number of the target's classes; 0 for a number to predict."""
    return 0 if target.is_number else len(target.labels)


def _r2(target: Target, column: Column, classes: int) -> tuple[float | None, int]:
    """Return how much of the target a column explains, or None where that says nothing, and the rows with both values."""
    if column.dtype == "string":
        words = target.words[column.name]
        if words is None or not words or classes > 2:
            return None, 0
        if classes:
            counts = np.array([[word["labels"].get(label, 0) for label in target.labels] for word in words.values()], float)
            return _between_counts(counts), int(counts.sum())
        moments = Moments(*(np.concatenate([getattr(word["moments"], each) for word in words.values()]) for each in PARTS))
        return _between(moments), int(moments.count.sum())
    place = target.places[column.name]
    if not classes:
        return _correlated(target.line, place)
    if target.moments is None:
        return None, 0
    moments = Moments(*(getattr(target.moments, each)[place] for each in PARTS))
    rows = int(moments.count.sum())
    if classes > 2 and len(target.shared[column.name]) < min(classes, target.most):
        return None, rows
    return _between(moments), rows


def _correlated(line: Line | None, place: int) -> tuple[float | None, int]:
    """Return the squared correlation of a column with a target of numbers, and the rows with both."""
    if line is None:
        return None, 0
    scale = float(line.xx[place] * line.yy[place])
    return (float(line.xy[place]) ** 2 / scale if scale > 0 else 0.0), int(line.count[place])


def _between(moments: Moments) -> float:
    """Return the share of a variance between groups (eta squared), 0 where nothing varies; of two classes, that of a number
    between them is the squared correlation."""
    rows = float(moments.count.sum())
    mean = float((moments.count * moments.mean).sum()) / max(rows, 1.0)
    between = float((moments.count * (moments.mean - mean) ** 2).sum())
    total = between + float(moments.spread.sum())
    return between / total if total > 0 else 0.0


def _between_counts(counts: Floats) -> float:
    """Return eta squared of two classes, 0 and 1, between words; shape (words, classes)."""
    rows, ones = counts.sum(axis=1), counts[:, 1] if counts.shape[1] > 1 else np.zeros(len(counts))
    share = ones / np.maximum(rows, 1.0)
    return _between(Moments(rows, share, rows * share * (1 - share)))
