"""Columns that identify the row, by their names and values: they have no range, are not features, and are in no request."""

import re
from collections.abc import Sequence
from itertools import pairwise

from gateline.contracts.schema import Column
from template.adopting.names import is_key_name

FEWEST_ROWS = 30
"""With fewer rows, all values may differ by chance."""
UUID = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)
OF_A_FEATURE = ("minimum", "maximum", "pattern", "categories", "sentinels")
"""Declarations of values that recur: next month's keys will be different."""


def key_reason(column: Column, values: Sequence[str]) -> str:
    """Return why a column is the row's key, or ''. `values` are its texts in the order of the rows, '' for a missing one."""
    if column.dtype not in ("integer", "string") or len(values) < FEWEST_ROWS:
        return ""
    if "" in values or len(set(values)) < len(values):
        return ""
    if is_key_name(column.name):
        return "it is different in every row and named like a key"
    if column.dtype == "integer":
        numbers = [int(float(value)) for value in values]
        return "it counts the rows" if all(after - before == 1 for before, after in pairwise(numbers)) else ""
    if all(map(UUID.fullmatch, values)):
        return "each row has a UUID of its own in it"
    if column.pattern and "[0-9]" in column.pattern:
        return "it is different in every row and always written in one form"
    return ""


def names_others(column: Column, values: Sequence[str]) -> bool:
    """Say whether a column is named like a key and repeats: then it identifies whom or what the row is about."""
    distinct = len(set(values) - {""})
    named = column.dtype in ("integer", "string") and is_key_name(column.name)
    return named and FEWEST_ROWS < distinct < len(values)


def without_range(body: dict[str, object]) -> dict[str, object]:
    """Return a column's declaration without what depends on today's values."""
    return {key: value for key, value in body.items() if key not in OF_A_FEATURE}
