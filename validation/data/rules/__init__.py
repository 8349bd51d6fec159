"""The rules that data is judged by, one function each, by the name that settings know."""

from collections.abc import Callable, Mapping

from gateline.contracts.verdict import Rule
from validation.data.case import DataCase
from validation.data.rules.files import columns, encodings, formats, row_count
from validation.data.rules.leak import leak_group, leak_rows, leak_time
from validation.data.rules.leak_target import leak_target
from validation.data.rules.swap import column_swap
from validation.data.rules.values import categories, dtypes, nulls, patterns, ranges, sentinels, unique

RULES: Mapping[str, Callable[[DataCase], list[Rule]]] = {
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
