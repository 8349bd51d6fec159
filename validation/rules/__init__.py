"""The rules that data is judged by, one function each, by the name that settings know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contracts.verdict import Rule
from validation.case import Case
from validation.rules.columns import columns
from validation.rules.form import encodings, formats
from validation.rules.leak import leak_group, leak_rows, leak_time
from validation.rules.leak_target import leak_target
from validation.rules.nulls import nulls
from validation.rules.row_count import row_count
from validation.rules.sentinel import sentinels
from validation.rules.swap import column_swap
from validation.rules.unique import unique
from validation.rules.values import categories, dtypes, patterns, ranges

RULES: Mapping[str, Callable[[Case], list[Rule]]] = {
    "format": formats,
    "encoding": encodings,
    "columns": columns,
    "dtype": dtypes,
    "row_count": row_count,
    "nulls": nulls,
    "range": ranges,
    "category": categories,
    "pattern": patterns,
    "unique": unique,
    "sentinel": sentinels,
    "column_swap": column_swap,
    "leak.rows": leak_rows,
    "leak.group": leak_group,
    "leak.time": leak_time,
    "leak.target": leak_target,
}

__all__ = ["RULES"]
