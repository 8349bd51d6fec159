"""Rows made from the schema alone, never copied from data: golden rows, load payloads, examples."""

from __future__ import annotations

import math
import random
import re
import string
from datetime import UTC, datetime

from gateline.contracts.schema import Column, Schema, Value
from gateline.settings.errors import UsageError

Sample = Value | None
SPAN = 100.0
"""Width of the range that numbers are drawn from where the schema leaves a side open."""
EPOCHS = (946_684_800.0, 1_893_456_000.0)
"""POSIX seconds of 2000-01-01 and 2030-01-01: where datetimes are drawn from when the schema sets no range."""


def rows(schema: Schema, count: int, seed: int = 0) -> list[list[Sample]]:
    """Return `count` rows of JSON values in schema order (missing: None): edge values first, then random ones.

    The same schema, count and seed give the same rows.
    """
    chance = random.Random(seed)
    corners = [edges(column) for column in schema.features]
    walks = max(map(len, corners), default=0)
    edge_rows = [[_corner(values, row) for values in corners] for row in range(min(walks, count // 2))]
    return edge_rows + [[value(column, chance) for column in schema.features] for _ in range(count - len(edge_rows))]


def value(column: Column, chance: random.Random) -> Sample:
    """Return one random value that the column allows; missing as often as the column may at most be."""
    if chance.random() < column.nullable:
        return None
    return _present(column, chance)


def edges(column: Column) -> list[Sample]:
    """Return the values at the borders of what a column allows: limits, categories, and None where it is nullable."""
    values: list[Sample] = [None] if column.nullable else []
    if column.categories is not None:
        return values + list(column.categories)
    if column.dtype == "boolean":
        return [*values, False, True]
    if column.dtype == "string":
        return values + [_present(column, random.Random(number)) for number in range(3)]
    low, high = span(column)
    borders = [written(column, number) for number in (low, high, (low + high) / 2)]
    return values + [border for border in borders if border not in column.sentinels]


def _corner(values: list[Sample], row: int) -> Sample:
    return values[row % len(values)]


def _present(column: Column, chance: random.Random) -> Value:
    for _ in range(100):
        drawn = _draw(column, chance)
        if drawn not in column.sentinels:
            return drawn
    raise UsageError(
        f"schema: no value of column '{column.name}' can be made that is not a sentinel {column.sentinels}",
        "widen its range or categories",
    )


def _draw(column: Column, chance: random.Random) -> Value:
    if column.categories is not None:
        return chance.choice(column.categories)
    if column.dtype == "boolean":
        return chance.random() < 0.5
    if column.dtype == "string":
        return _text(column, chance)
    return written(column, chance.uniform(*span(column)))


def _text(column: Column, chance: random.Random) -> str:
    if column.pattern is None:
        return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 8)))
    drawn = _matching(column.pattern, chance)
    if re.fullmatch(column.pattern, drawn):
        return drawn
    raise UsageError(
        f"schema: no text could be made that matches the pattern {column.pattern!r} of column '{column.name}'",
        "write the pattern without look-around, or name the column's categories",
    )


def _matching(pattern: str, chance: random.Random) -> str:
    import rstr

    return str(rstr.Rstr(chance).xeger(pattern))


def span(column: Column) -> tuple[float, float]:
    """Return the range that numbers and datetimes (POSIX seconds) are drawn from."""
    low, high = column.minimum, column.maximum
    if column.dtype == "datetime":
        return (EPOCHS[0] if low is None else low, EPOCHS[1] if high is None else high)
    if low is None:
        return (0.0, SPAN) if high is None else (high - SPAN, high)
    return (low, low + SPAN if high is None else high)


def written(column: Column, number: float) -> Value:
    """Return a number within `span` as a JSON value of the column: whole, rounded, or the time that it is."""
    low, high = span(column)
    if column.dtype == "datetime":
        return datetime.fromtimestamp(math.floor(number), UTC).isoformat().replace("+00:00", "Z")
    if column.dtype == "integer":
        return min(max(round(number), math.ceil(low)), math.floor(high))
    return float(f"{number:.6g}") if low <= float(f"{number:.6g}") <= high else number
