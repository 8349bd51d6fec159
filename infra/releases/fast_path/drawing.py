"""Rows to compare with: every value at which a scorer decides, the floats next to it, missing and unknown values."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gateline.contracts import samples
from gateline.contracts.schema import Column, Schema
from gateline.registry.loaded import Rows, encode
from infra.releases.fast_path.generating import Written

LEAST, MOST = 10_000, 50_000
"""Rows that are drawn: more than the least where there are more nodes of trees to reach."""
HIT, BEYOND = 0.6, 0.1
"""Shares of the values of a row that hit one at which the scorer decides, and of the least rows, the last ones, that hold what
the schema refuses."""
UNKNOWN = ("", "no such word", "\u00e9\U0001f600'\"\\\n")
Value = float | str | None


def draw(schema: Schema, scorer: Written, seed: int, least: int = LEAST) -> list[list[Value]]:
    """Return rows as `encode` makes them, which hit what a scorer decides at; the same arguments give the same rows.

    There are at least so many, and more where it decides at more: up to the most.
    """
    chance = random.Random(seed)
    values = [_around(column, scorer.decisive.get(place, ())) for place, column in enumerate(schema.features)]
    for each in values:
        chance.shuffle(each)
    wishes = scorer.wishes if len(scorer.wishes) <= MOST - least else chance.sample(scorer.wishes, MOST - least)
    rows: list[list[Value]] = encode(samples.rows(schema, max(least, len(wishes) + least // 2), seed), schema).tolist()
    for row, wish in zip(rows, wishes):
        for place, value in wish.items():
            row[place] = value if value is not None or schema.features[place].dtype == "string" else math.nan
    others = rows[len(wishes) :]
    for place, each in enumerate(values):
        for at, row in enumerate(others) if each else ():
            if chance.random() < HIT:
                row[place] = each[at % len(each)]
    for row in others[-round(BEYOND * least) :]:  # together: rows that scikit-learn refuses are compared one by one
        place = chance.randrange(len(row))
        row[place] = _beyond(schema.features[place], chance)
    return rows


def _around(column: Column, decisive: Iterable[Any]) -> list[Any]:
    """Return what hits the values of a feature: words as they are, numbers with the floats below and above."""
    if column.dtype == "string":
        return sorted({word for word in decisive if isinstance(word, str)})
    found = {float(value) for value in decisive if math.isfinite(value)}
    near = {math.nextafter(value, way) for value in found for way in (-math.inf, math.inf)}
    return sorted(value for value in found | near if math.isfinite(value))


def _beyond(column: Column, chance: random.Random) -> Value:
    if column.dtype == "string":
        return chance.choice((None, *UNKNOWN))
    low, high = samples.span(column)
    return chance.choice((math.nan, low - 1.0, high + 1.0, 0.0, -1.0))


def as_rows(rows: Sequence[Sequence[Value]]) -> Rows:
    """Return rows as a model takes them, shape (n, features)."""
    found = np.empty((len(rows), len(rows[0])), dtype=object)
    for place, row in enumerate(rows):
        found[place] = row
    return found
