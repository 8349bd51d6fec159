"""Rows that are made, never copied from data: golden rows and examples from the schema alone, load from what could occur.

What could occur is drawn from what an artifact remembers of its training rows: each column keeps its shares by bin and word;
what columns have to do with each other is kept as a few factors that all follow (a Gaussian copula: Sklar 1959; Nelsen, An
Introduction to Copulas, 2006), each by its own loadings.
"""

import math
import random
import re
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import NormalDist

from gateline.contracts.reference import ColumnReference, Reference
from gateline.contracts.schema import Column, Schema, Value
from gateline.settings.errors import UsageError

Sample = Value | None
NORMAL = NormalDist()
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
    edge_rows = [[values[row % len(values)] for values in corners] for row in range(min(walks, count // 2))]
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


def _present(column: Column, chance: random.Random) -> Value:
    for _ in range(100):
        if column.categories is not None:
            drawn: Value = chance.choice(column.categories)
        elif column.dtype == "boolean":
            drawn = chance.random() < 0.5
        elif column.dtype == "string":
            drawn = _text(column, chance)
        else:
            drawn = written(column, chance.uniform(*span(column)))
        if drawn not in column.sentinels:
            return drawn
    raise UsageError(
        f"schema: no value of column '{column.name}' can be made that is not a sentinel {column.sentinels}",
        "widen its range or categories",
    )


def _text(column: Column, chance: random.Random) -> str:
    if column.pattern is None:
        return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 8)))
    import rstr

    drawn = str(rstr.Rstr(chance).xeger(column.pattern))
    if re.fullmatch(column.pattern, drawn):
        return drawn
    raise UsageError(
        f"schema: no text could be made that matches the pattern {column.pattern!r} of column '{column.name}'",
        "write the pattern without look-around, or name the column's categories",
    )


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


class LikelyRows:
    """An endless source of rows in schema order (missing: None); equal seeds give equal rows.

    A column that the reference does not know is drawn evenly from what the schema allows.
    """

    def __init__(self, schema: Schema, reference: Reference, chance: random.Random) -> None:
        """Draw rows of `schema`'s features."""
        self._columns = [(column, reference.columns.get(column.name)) for column in schema.features]
        self._chance = chance
        self._factors = max((len(known.loadings) for _, known in self._columns if known), default=0)

    def row(self) -> list[Sample]:
        """Return the next row."""
        factors = [self._chance.gauss(0.0, 1.0) for _ in range(self._factors)]
        return [self._value(column, known, factors) for column, known in self._columns]

    def _value(self, column: Column, known: ColumnReference | None, factors: Sequence[float]) -> Sample:
        own, hidden = self._chance.gauss(0.0, 1.0), self._chance.random()
        if known is None:
            return value(column, self._chance)
        if column.nullable and hidden < known.missing:
            return None
        alone = math.sqrt(max(0.0, 1.0 - sum(loading**2 for loading in known.loadings)))
        level = NORMAL.cdf(sum(loading * factor for loading, factor in zip(known.loadings, factors)) + alone * own)
        drawn = _at(column, known, level)
        if drawn is None or drawn in column.sentinels:
            return value(column.model_copy(update={"nullable": 0.0}), self._chance)
        return drawn


def _at(column: Column, known: ColumnReference, level: float) -> Value | None:
    """Return the value below which a share `level` of the rows is; None where the reference does not say."""
    if column.dtype == "string":
        return _word(column, known, level)
    if column.dtype == "datetime" or not known.shares:
        low, high = span(column)
        return written(column, low + level * (high - low))
    index, within = _bin(known.shares, range(len(known.shares)), level)
    if column.dtype == "boolean":
        return bool(index) if known.bins else level >= 0.5
    if column.categories is not None:
        fitting = sorted(one for one in column.categories if known.index(float(one)) == index)
        return fitting[min(int(within * len(fitting)), len(fitting) - 1)] if fitting else None
    low, high = _borders(column, known.bins, index)
    # Whole numbers of a bin: up to, but not with, the edge where the next bin begins.
    drawn = math.floor(low + within * (high - low)) if column.dtype == "integer" else low + within * (high - low)
    return written(column, min(max(drawn, span(column)[0]), span(column)[1]))


def _word(column: Column, known: ColumnReference, level: float) -> str | None:
    order = known.order or range(len(known.shares))
    index, _ = _bin(known.shares, order, level)
    word = known.categories[index] if index < len(known.categories) else None
    return word if column.categories is None or word in column.categories else None


def _bin(shares: Sequence[float], order: Sequence[int], level: float) -> tuple[int, float]:
    """Return the bin at a level of the cumulated shares, and how far into it the level is (0 to 1)."""
    below, last = 0.0, order[0]
    for index in order:
        if shares[index]:
            last = index
            if level < below + shares[index]:
                return index, (level - below) / shares[index]
            below += shares[index]
    return last, 0.999


def _borders(column: Column, edges: Sequence[float], index: int) -> tuple[float, float]:
    """Return where a bin begins and ends. The outermost are as wide as their neighbours, within the range that is allowed:
    the smallest and the largest value that were seen are values of single rows, which are not kept."""
    least, greatest = span(column)
    if not edges:
        return least, greatest
    alone = 1.0 if column.dtype == "integer" else abs(edges[0]) or 1.0
    first, last = (edges[1] - edges[0], edges[-1] - edges[-2]) if len(edges) > 1 else (alone, alone)
    low = edges[index - 1] if index else max(least, edges[0] - first)
    high = edges[index] if index < len(edges) else edges[-1] + last
    return low, max(low, high)
