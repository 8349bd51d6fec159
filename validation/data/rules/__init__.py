"""The rules that data is judged by, one function each, by the name that settings know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateline.contracts.verdict import Rule
from validation.data.case import Case
from validation.data.rules.columns import columns
from validation.data.rules.form import encodings, formats
from validation.data.rules.leak import leak_group, leak_rows, leak_time
from validation.data.rules.leak_target import leak_target
from validation.data.rules.nulls import nulls
from validation.data.rules.row_count import row_count
from validation.data.rules.sentinel import sentinels
from validation.data.rules.swap import column_swap
from validation.data.rules.unique import unique
from validation.data.rules.values import categories, dtypes, patterns, ranges

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
