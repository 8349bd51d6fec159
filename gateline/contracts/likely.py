"""Rows that could occur: drawn from what an artifact remembers of its training rows, none of which is copied.

Each column keeps its shares by bin and word; what columns have to do with each other is kept as a few factors that all
follow (a Gaussian copula: Sklar 1959; Nelsen, An Introduction to Copulas, 2006), each by its own loadings.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist

from gateline.contracts import samples
from gateline.contracts.reference import ColumnReference, Reference
from gateline.contracts.samples import Sample
from gateline.contracts.schema import Column, Schema, Value

NORMAL = NormalDist()


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
            return samples.value(column, self._chance)
        if column.nullable and hidden < known.missing:
            return None
        alone = math.sqrt(max(0.0, 1.0 - sum(loading**2 for loading in known.loadings)))
        level = NORMAL.cdf(sum(loading * factor for loading, factor in zip(known.loadings, factors)) + alone * own)
        drawn = _at(column, known, level)
        if drawn is None or drawn in column.sentinels:
            return samples.value(column.model_copy(update={"nullable": 0.0}), self._chance)
        return drawn


def _at(column: Column, known: ColumnReference, level: float) -> Value | None:
    """Return the value below which a share `level` of the rows lies; None where the reference does not say."""
    if column.dtype == "string":
        return _word(column, known, level)
    if column.dtype == "datetime" or not known.shares:
        low, high = samples.span(column)
        return samples.written(column, low + level * (high - low))
    index, within = _bin(known.shares, range(len(known.shares)), level)
    if column.dtype == "boolean":
        return bool(index) if known.bins else level >= 0.5
    if column.categories is not None:
        fitting = sorted(one for one in column.categories if known.index(float(one)) == index)
        return fitting[min(int(within * len(fitting)), len(fitting) - 1)] if fitting else None
    low, high = _borders(column, known.bins, index)
    # Whole numbers of a bin: up to, but not with, the edge where the next bin begins.
    drawn = math.floor(low + within * (high - low)) if column.dtype == "integer" else low + within * (high - low)
    return samples.written(column, min(max(drawn, samples.span(column)[0]), samples.span(column)[1]))


def _word(column: Column, known: ColumnReference, level: float) -> str | None:
    order = known.order or range(len(known.shares))
    index, _ = _bin(known.shares, order, level)
    word = known.categories[index] if index < len(known.categories) else None
    return word if column.categories is None or word in column.categories else None


def _bin(shares: Sequence[float], order: Sequence[int], level: float) -> tuple[int, float]:
    """Return the bin at a level of the cumulated shares, and how far into it the level lies (0 to 1)."""
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
    least, greatest = samples.span(column)
    if not edges:
        return least, greatest
    alone = 1.0 if column.dtype == "integer" else abs(edges[0]) or 1.0
    first, last = (edges[1] - edges[0], edges[-1] - edges[-2]) if len(edges) > 1 else (alone, alone)
    low = edges[index - 1] if index else max(least, edges[0] - first)
    high = edges[index] if index < len(edges) else edges[-1] + last
    return low, max(low, high)
