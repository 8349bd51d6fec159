"""Rules on single values: `dtype`, `range`, `category`, `pattern`."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Mask, Typed
from validation.data.case import Case
from validation.data.rules.entries import columnwise
from validation.matrix import numbers_of


def dtypes(case: Case) -> list[Rule]:
    """Judge that every value is of its column's `dtype`, and no number is infinite."""
    return columnwise(
        case,
        "dtype",
        declared=lambda column: True,
        wrong=lambda values, column: values.wrong,
        fault=lambda column: f"are not of dtype {column.dtype}",
        next_step=lambda column: "correct the values where they are made, or declare another dtype",
    )


def ranges(case: Case) -> list[Rule]:
    """Judge that every number lies between the declared `minimum` and `maximum`."""
    return columnwise(
        case,
        "range",
        declared=has_range,
        wrong=outside,
        fault=lambda column: f"are outside {bounds(column)}",
        next_step=lambda column: (
            "look for a changed unit or a broken source; widen the range only if such values are right"
        ),
    )


def categories(case: Case) -> list[Rule]:
    """Judge that every value is one of the declared `categories`."""
    return columnwise(
        case,
        "category",
        declared=lambda column: column.categories is not None,
        wrong=_uncategorised,
        fault=lambda column: f"are none of the {len(column.categories or ())} declared categories",
        next_step=lambda column: "declare the new category and train again, or correct the values",
    )


def patterns(case: Case) -> list[Rule]:
    """Judge that every whole string matches the declared `pattern`."""
    return columnwise(
        case,
        "pattern",
        declared=lambda column: column.pattern is not None,
        wrong=_unmatched,
        fault=lambda column: f"do not match {column.pattern!r}",
        next_step=lambda column: "correct the values, or the pattern",
    )


def has_declared_values(column: Column) -> bool:
    """Say whether anything is declared of a column's values beyond their dtype."""
    return has_range(column) or column.categories is not None or column.pattern is not None


def breaks(values: Typed, column: Column) -> Mask:
    """Mark known values outside the range, the categories or the pattern declared of `column`."""
    mask = outside(values, column) if has_range(column) else np.zeros(len(values.missing), dtype=bool)
    if column.categories is not None:
        mask = mask | _uncategorised(values, column)
    return mask | _unmatched(values, column) if column.pattern is not None else mask


def has_range(column: Column) -> bool:
    """Say whether a numeric column declares a minimum or a maximum."""
    return column.dtype in ("integer", "number", "datetime") and not (column.minimum is None and column.maximum is None)


def bounds(column: Column) -> str:
    """Return a declared range in words."""
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        return f"{'at most' if low is None else 'at least'} {high if low is None else low:g}"
    return f"{low:.12g} to {high:.12g}"


def outside(values: Typed, column: Column) -> Mask:
    """Mark known values below the minimum or above the maximum."""
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
