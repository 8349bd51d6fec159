"""The rules that data is judged by, one function each, by the name that settings know."""

from collections.abc import Callable, Mapping

from gateline.contracts.verdict import Rule
from tests.validation.data.oracle.case import DataCase
from tests.validation.data.oracle.files import columns, encodings, formats, row_count
from tests.validation.data.oracle.leak import leak_group, leak_rows, leak_time
from tests.validation.data.oracle.leak_target import leak_target
from tests.validation.data.oracle.swap import column_swap
from tests.validation.data.oracle.values import categories, dtypes, nulls, patterns, ranges, sentinels, unique

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
