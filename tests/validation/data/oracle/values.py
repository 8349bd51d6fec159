"""Rules on the values of a column: `dtype`, `range`, `category`, `pattern`, `sentinel`, `nulls`, `unique`."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Typed
from gateline.settings.shown import shown
from tests.validation.data.oracle.case import DataCase, Table
from tests.validation.data.oracle.entries import NO_ROW, SEE_THE_OTHERS, examples, failing, passing, share, silent
from tests.validation.data.oracle.typed import Mask, numbers_of

FEWEST = 3
"""Times that one value must stand outside the range to be taken for a sentinel."""
MOST = 0.9
"""Share of all values outside the range that it must make up."""


def dtypes(case: DataCase) -> list[Rule]:
    """Judge that every value is of its column's `dtype`, and no number is infinite."""
    step = "correct the values where they are made, or declare another dtype"
    return _columnwise(
        case, "dtype", lambda column: True, lambda values, _: values.wrong, lambda one: f"are not of dtype {one.dtype}", step
    )


def ranges(case: DataCase) -> list[Rule]:
    """Judge that every number is between the declared `minimum` and `maximum`."""

    def fault(column: Column) -> str:
        low, high = column.minimum, column.maximum
        if low is None or high is None:
            return f"are outside {'at most' if low is None else 'at least'} {high if low is None else low:g}"
        return f"are outside {low:.12g} to {high:.12g}"

    step = "look for a changed unit or a broken source; widen the range only if such values are right"
    return _columnwise(case, "range", has_range, outside, fault, step)


def categories(case: DataCase) -> list[Rule]:
    """Judge that every value is one of the declared `categories`."""
    return _columnwise(
        case,
        "category",
        lambda column: column.categories is not None,
        _uncategorised,
        lambda column: f"are none of the {len(column.categories or ())} declared categories",
        "declare the new category and train again, or correct the values",
    )


def patterns(case: DataCase) -> list[Rule]:
    """Judge that every whole string matches the declared `pattern`."""
    return _columnwise(
        case,
        "pattern",
        lambda column: column.pattern is not None,
        _unmatched,
        lambda column: f"do not match {column.pattern!r}",
        "correct the values, or the pattern",
    )


def sentinels(case: DataCase) -> list[Rule]:
    """Judge that no declared value of `sentinels` stands for 'missing', nor one repeated value outside a declared range."""
    return _columnwise(
        case,
        "sentinel",
        lambda column: bool(column.sentinels) or has_range(column),
        standing_for_missing,
        lambda column: "stand for 'missing'",
        "write missing values as empty, where the data is made",
    )


def nulls(case: DataCase) -> list[Rule]:
    """Judge each column's share of missing values against its `nullable` (0 where none is declared)."""
    found = [
        (table, column, values.missing)
        for table in case.tables
        for column in case.schema.columns
        if (values := table.typed(column)) is not None and len(values.missing)
    ]
    if not found:
        return [silent(case, "nulls", NO_ROW, SEE_THE_OTHERS)]
    entries = []
    for table, column, missing in found:
        if missing.mean() > column.nullable:
            count, limit = int(missing.sum()), f"{100 * column.nullable:.3g} %"
            reason = f"{share(count, len(missing))} values are missing, above the limit {limit}: rows {table.places(missing)}"
            step = "find the source that stopped filling it, or raise the column's nullable"
            facts = _facts(column.name, count, len(missing)) | {"limit": column.nullable}
            entries.append(failing(case, "nulls", table, reason, step, **facts))
    table, column, missing = max(found, key=lambda one: one[2].mean() / (one[1].nullable or 1))
    reason = (
        f"all {len(case.schema.columns)} columns are within their limits; nearest to its own: '{column.name}' of {table.name} "
        f"with {100 * missing.mean():.3g} % missing, allowed {100 * column.nullable:.3g} %"
    )
    rows, observed = sum(table.rows for table in case.tables), float(missing.mean())
    return entries or [passing(case, "nulls", reason, sample=rows, observed=observed, limit=column.nullable)]


def unique(case: DataCase) -> list[Rule]:
    """Judge that no value of a `unique` column occurs twice (except missing ones), nor one of the `key` columns together."""
    groups: list[tuple[Column, ...]] = [(column,) for column in case.schema.columns if column.unique]
    keys = tuple(column for column in case.schema.columns if column.key)
    groups += [keys] if keys and keys not in groups else []
    if not groups:
        return [silent(case, "unique")]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for group in groups:
            if table.rows and all(table.typed(column) is not None for column in group):
                sample += table.rows
                entries += _repeated(case, table, group)
    if not sample:
        return [silent(case, "unique", NO_ROW, SEE_THE_OTHERS)]
    named = ", ".join(map(_named, groups))
    return entries or [passing(case, "unique", f"no value of {named} stands twice", sample=sample)]


def _repeated(case: DataCase, table: Table, group: tuple[Column, ...]) -> list[Rule]:
    """Find every row whose value stood in an earlier row."""
    columns = {column.name: table.columns[column.name] for column in group}
    frame = pd.DataFrame({name: values.values.reset_index(drop=True) for name, values in columns.items()})
    repeats: Mask = frame.duplicated().to_numpy(bool)
    if len(group) == 1 and not group[0].key:
        repeats = repeats & columns[group[0].name].known
    count = int(repeats.sum())
    if not count:
        return []
    reason = f"{share(count, table.rows)} rows repeat an earlier value of {_named(group)}: rows {table.places(repeats)}"
    if all(column.public for column in group):
        first = int(np.flatnonzero(repeats)[0])
        reason += "; the first: " + ", ".join(shown(values.found.iloc[first]) for values in columns.values())
    step = "remove the repeated rows where they are made, often a join or a second delivery"
    return [failing(case, "unique", table, reason, step, **_facts(", ".join(columns), count, table.rows))]


def _named(group: tuple[Column, ...]) -> str:
    return " + ".join(f"'{column.name}'" for column in group)


def _facts(column: str, count: int, total: int) -> dict[str, Any]:
    return {"column": column, "observed": count / total, "limit": 0.0, "unit": "share", "sample": total}


def _columnwise(
    case: DataCase,
    name: str,
    declared: Callable[[Column], bool],
    wrong: Callable[[Typed, Column], Mask],
    fault: Callable[[Column], str],
    next_step: str,
) -> list[Rule]:
    """Return one failing entry for each column with a wrong value, or one entry that says all hold.

    `wrong` marks, among a column's values, those that break the rule; `fault` says in words what they are.
    """
    columns = [column for column in case.schema.columns if declared(column)]
    if not columns:
        return [silent(case, name)]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for column in columns:
            values = table.typed(column)
            if values is None:
                continue
            mask = wrong(values, column)
            sample += int(values.known.sum())
            count, total = int(mask.sum()), int((~values.missing).sum())
            if count:
                where = f"rows {table.places(mask)}{examples(values, mask, column)}"
                reason = f"{share(count, total)} values {fault(column)}: {where}"
                entries.append(failing(case, name, table, reason, next_step, **_facts(column.name, count, total)))
    if not sample and not entries:
        return [silent(case, name, "there is no value to judge", SEE_THE_OTHERS)]
    good = f"all {sample} values hold (columns judged: {len(columns)})"
    return entries or [passing(case, name, good, sample=sample)]


def has_declared_values(column: Column) -> bool:
    return has_range(column) or column.categories is not None or column.pattern is not None


def breaks(values: Typed, column: Column) -> Mask:
    """Mark known values outside the range, the categories or the pattern declared of `column`."""
    mask = outside(values, column) if has_range(column) else np.zeros(len(values.missing), dtype=bool)
    if column.categories is not None:
        mask = mask | _uncategorised(values, column)
    return mask | _unmatched(values, column) if column.pattern is not None else mask


def has_range(column: Column) -> bool:
    return column.dtype in ("integer", "number", "datetime") and not (column.minimum is None and column.maximum is None)


def outside(values: Typed, column: Column) -> Mask:
    numbers = numbers_of(values.values, column)
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    mask: Mask = (numbers < low) | (numbers > high)
    return mask


def among(values: Typed, column: Column, listed: tuple[object, ...]) -> Mask:
    """Mark known values that are one of `listed`, compared in the column's dtype."""
    if column.dtype == "string":
        same = values.values.isin([str(value) for value in listed])
    elif column.dtype == "datetime":
        times = pd.to_datetime([str(value) for value in listed], utc=True, format="ISO8601")
        same = values.values.isin(times)
    else:
        same = pd.Series(numbers_of(values.values, column)).isin([_number(value) for value in listed])
    return same.to_numpy(bool) & values.known


def standing_for_missing(values: Typed, column: Column) -> Mask:
    """Mark declared sentinels; without one, a sentinel that nobody declared: one and the same value, outside the range and
    repeated, that makes up nearly all of what is outside."""
    mask = among(values, column, column.sentinels)
    if mask.any() or not has_range(column):
        return mask
    beyond = outside(values, column)
    counts = values.values[beyond].value_counts()
    if counts.empty or counts.iloc[0] < FEWEST or counts.iloc[0] < MOST * beyond.sum():
        return mask
    same = pd.Series(values.values == counts.index[0]).fillna(False)
    return same.to_numpy(bool) & values.known


def _number(value: object) -> float:
    try:
        return float(str(value)) if not isinstance(value, bool) else float(value)
    except ValueError:
        return float("inf")


def _uncategorised(values: Typed, column: Column) -> Mask:
    return values.known & ~among(values, column, column.categories or ())


def _unmatched(values: Typed, column: Column) -> Mask:
    """Each distinct value is matched once."""
    matches = re.compile(column.pattern or "").fullmatch
    codes, distinct = pd.factorize(values.values.astype(object))
    bad = np.array([matches(str(value)) is None for value in distinct] + [False])
    mask: Mask = bad[codes] & values.known
    return mask
