"""How far the canary's predictions are distributed from stable's, with evidence that may be looked at at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

from validation.canary.blocks import Block, Increment
from validation.canary.sequential import TINY, Counts, hedged, log_e_shares, log_mean_exp, log_mean_exp_weighted, sums

MEMORY = 0.97
"""Weight of what is known of stable's shares after one more block."""
MOST_LABELS = 20
"""Labels judged one by one; the rarer ones are judged together."""
REST = "other labels"
ADDED_ROWS = 3.0
"""Rows added to each count before a factor is taken: a label with one row more or less has not doubled."""
Pair = tuple[Mapping[str, float], Mapping[str, float]]
"""Counts by label in one block: the canary's, stable's."""
SMALLEST_SHIFT = 0.001
FACTORS_WEIGHT = 0.2
"""Weight of all alternatives that multiply a share; those that add to it have the rest."""


@dataclass(frozen=True)
class PredictionShift:
    """Both distributions and the log evidence against their being equal."""

    canary: Mapping[str, float]
    stable: Mapping[str, float]
    distance: float
    """Total variation, less what equal distributions would show at these sample sizes."""
    equal: float
    """Against 'both slots predict alike'."""
    factor: float
    """Largest factor between a label's count and what stable's share makes of it, some rows added to both; 1 or more."""
    canary_rows: float
    stable_rows: float

    @property
    def label(self) -> str:
        return max(self.canary, key=lambda name: abs(self.canary[name] - self.stable[name]), default="")


def prediction_shift(blocks: Sequence[Block], limit: float, factor: float) -> PredictionShift:
    """Weigh the predictions of all blocks, looking for distances from `limit` on and shares `factor` times stable's.

    The labels are judged one by one, most frequent first, the rarest as one; of two labels one says it all.
    """
    seen: dict[str, float] = {}
    for block in blocks:
        for part in (block.canary, block.stable):
            for name, count in part.predictions.items():
                seen[name] = seen.get(name, 0.0) + count
    labels = sorted((name for name in seen if seen[name]), key=lambda name: (-seen[name], name))
    labels = labels if len(labels) <= MOST_LABELS else [*labels[: MOST_LABELS - 1], REST]
    pairs = [(_by_label(block.canary, labels), _by_label(block.stable, labels)) for block in blocks]
    canary = {name: sum(pair[0][name] for pair in pairs) for name in labels}
    stable = {name: sum(pair[1][name] for pair in pairs) for name in labels}
    judged, found = labels[1:] if len(labels) == 2 else labels, tuple(alternatives(limit, factor, len(labels)))
    distance, largest = _apart(canary, stable)
    return PredictionShift(
        canary=_shares(canary),
        stable=_shares(stable),
        distance=distance,
        equal=log_mean_exp([_evidence(name, pairs, found) for name in judged]) if judged else 0.0,
        factor=largest,
        canary_rows=sum(canary.values()),
        stable_rows=sum(stable.values()),
    )


def _evidence(label: str, pairs: Sequence[Pair], found: tuple[Alternative, ...]) -> float:
    """One label against all others. The first block's alternatives come from a flat prior, others' from those before."""
    hits, trials, rows = 0.5, 1.0, [(0.0,) * len(found)]
    for canary, stable in pairs:
        counts = Counts(canary[label], sum(canary.values()), stable[label], sum(stable.values()))
        rows.append(_weigh(counts, max(hits / trials, TINY), found))
        hits, trials = MEMORY * hits + counts.stable_hits, max(MEMORY * trials + counts.stable_trials, 1.0)
    return log_mean_exp_weighted(sums(rows), [alternative.weight for alternative in found])


@lru_cache(maxsize=32768)
def _weigh(counts: Counts, share: float, found: tuple[Alternative, ...]) -> tuple[float, ...]:
    """An alternative that is no share bets nothing."""
    bets = ((alternative.of(share), share) for alternative in found)
    return tuple(hedged(log_e_shares(counts, *bet, None)) if 0.0 < bet[0] < 1.0 else 0.0 for bet in bets)


def _by_label(part: Increment, labels: Sequence[str]) -> dict[str, float]:
    """Count rows by judged label. Rows of one request are alike: a request weighs as one row, however many it held."""
    rows = sum(part.predictions.values())
    weight = min(1.0, part.answered / rows) if rows else 1.0
    counts = {name: weight * part.predictions.get(name, 0.0) for name in labels}
    if REST in counts:
        counts[REST] = weight * rows - sum(counts.values())
    return counts


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    rows = sum(counts.values())
    return {name: count / rows if rows else 0.0 for name, count in counts.items()}


def _apart(canary: Mapping[str, float], stable: Mapping[str, float]) -> tuple[float, float]:
    """Return half the summed differences, each with the variance it would have under equality taken out of its square, and
    the largest factor between two counts, some rows added to both."""
    ours, theirs = sum(canary.values()), sum(stable.values())
    distance, largest = 0.0, 1.0
    for name in canary if ours and theirs else ():
        share = (canary[name] + stable[name]) / (ours + theirs)
        variance = share * (1 - share) * (1 / ours + 1 / theirs)
        distance += sqrt(max(0.0, (canary[name] / ours - stable[name] / theirs) ** 2 - variance)) / 2
        factor = (canary[name] + ADDED_ROWS) / (stable[name] / theirs * ours + ADDED_ROWS)
        largest = max(largest, factor, 1 / factor)
    return distance, largest


class Alternative(NamedTuple):
    """A label's share in the canary, made from stable's: `factor` times it, plus `shift`."""

    weight: float
    factor: float
    shift: float

    def of(self, share: float) -> float:
        """Return the canary's share; it may be outside 0 to 1."""
        return self.factor * share + self.shift


def alternatives(limit: float, factor: float, labels: int) -> list[Alternative]:
    """Return what is looked for in each of so many labels; weights add up to 1.

    Shifts begin with what each label has of a distance of `limit` when all of them move, and double until 1; half of the
    weight is on the first, half of the rest on the next, and so on. Factors are for rare labels: their shares shift little.
    """
    shifts = [min(max(2 * limit / max(labels, 2), SMALLEST_SHIFT), 0.5)]
    while shifts[-1] * 2 < 1.0:
        shifts.append(shifts[-1] * 2)
    halves = [0.5 ** (index + 1) for index in range(len(shifts))]
    added = [
        Alternative((1 - FACTORS_WEIGHT) * half / sum(halves) / 2, 1.0, sign * shift)
        for half, shift in zip(halves, shifts)
        for sign in (-1, 1)
    ]
    factors = (factor, factor**2, factor**-2)
    return [*added, *(Alternative(FACTORS_WEIGHT / len(factors), value, 0.0) for value in factors)]
