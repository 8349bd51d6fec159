"""How far the canary's predictions are distributed from stable's, with evidence that may be looked at at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

from validation.canary.observation import Block, Increment
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
        """The label whose share differs most."""
        return max(self.canary, key=lambda name: abs(self.canary[name] - self.stable[name]), default="")


def prediction_shift(blocks: Sequence[Block], limit: float, factor: float) -> PredictionShift:
    """Weigh the predictions of all blocks, looking for distances from `limit` on and shares `factor` times stable's."""
    labels = judged_labels(blocks)
    pairs = [(_by_label(block.canary, labels), _by_label(block.stable, labels)) for block in blocks]
    canary = {name: sum(pair[0][name] for pair in pairs) for name in labels}
    stable = {name: sum(pair[1][name] for pair in pairs) for name in labels}
    return PredictionShift(
        canary=_shares(canary),
        stable=_shares(stable),
        distance=_distance(canary, stable),
        equal=_equal(labels, pairs, limit, factor),
        factor=_factor(canary, stable),
        canary_rows=sum(canary.values()),
        stable_rows=sum(stable.values()),
    )


def judged_labels(blocks: Sequence[Block]) -> list[str]:
    """Return the labels that are judged, most frequent first, the rarest as one."""
    seen: dict[str, float] = {}
    for block in blocks:
        for part in (block.canary, block.stable):
            for name, count in part.predictions.items():
                seen[name] = seen.get(name, 0.0) + count
    ordered = sorted((name for name in seen if seen[name]), key=lambda name: (-seen[name], name))
    return ordered if len(ordered) <= MOST_LABELS else [*ordered[: MOST_LABELS - 1], REST]


def _equal(labels: Sequence[str], pairs: Sequence[Pair], limit: float, factor: float) -> float:
    """Of two labels one says it all."""
    judged = labels[1:] if len(labels) == 2 else labels
    found = tuple(alternatives(limit, factor, len(labels)))
    return log_mean_exp([_evidence(name, pairs, found) for name in judged]) if judged else 0.0


def _evidence(label: str, pairs: Sequence[Pair], found: tuple[Alternative, ...]) -> float:
    """One label against all others. The first block's alternatives come from a flat prior, others' from those before."""
    hits, trials, rows = 0.5, 1.0, [(0.0,) * len(found)]
    for canary, stable in pairs:
        counts = Counts(canary[label], sum(canary.values()), stable[label], sum(stable.values()))
        share = max(hits / trials, TINY)
        rows.append(_weigh(counts, share, found))
        hits, trials = MEMORY * hits + counts.stable_hits, max(MEMORY * trials + counts.stable_trials, 1.0)
    return log_mean_exp_weighted(sums(rows), [alternative.weight for alternative in found])


@lru_cache(maxsize=32768)
def _weigh(counts: Counts, share: float, found: tuple[Alternative, ...]) -> tuple[float, ...]:
    return tuple(_against(counts, share, alternative.of(share)) for alternative in found)


def _against(counts: Counts, stable: float, canary: float) -> float:
    """An alternative that is no share bets nothing."""
    return hedged(log_e_shares(counts, canary, stable, None)) if 0.0 < canary < 1.0 else 0.0


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


def _distance(canary: Mapping[str, float], stable: Mapping[str, float]) -> float:
    """Half the summed differences, each with the variance it would have under equality taken out of its square."""
    ours, theirs = sum(canary.values()), sum(stable.values())
    if not ours or not theirs:
        return 0.0
    distance = 0.0
    for name in canary:
        share = (canary[name] + stable[name]) / (ours + theirs)
        variance = share * (1 - share) * (1 / ours + 1 / theirs)
        distance += sqrt(max(0.0, (canary[name] / ours - stable[name] / theirs) ** 2 - variance)) / 2
    return distance


def _factor(canary: Mapping[str, float], stable: Mapping[str, float]) -> float:
    ours, theirs = sum(canary.values()), sum(stable.values())
    if not ours or not theirs:
        return 1.0
    factors = [(canary[name] + ADDED_ROWS) / (stable[name] / theirs * ours + ADDED_ROWS) for name in canary]
    return max(max(factor, 1 / factor) for factor in factors)


class Alternative(NamedTuple):
    """A label's share in the canary, made from stable's: `factor` times it, plus `shift`."""

    weight: float
    factor: float
    shift: float

    def of(self, share: float) -> float:
        """Return the canary's share; it may lie outside of 0 to 1."""
        return self.factor * share + self.shift


def alternatives(limit: float, factor: float, labels: int) -> list[Alternative]:
    """Return what is looked for in each of so many labels; weights add up to 1.

    Shifts begin with what each label has of a distance of `limit` when all of them move, and double until 1; half of the
    weight lies on the first, half of the rest on the next, and so on. Factors are for rare labels: their shares shift little.
    """
    shifts = _shifts(limit, labels)
    halves = [0.5 ** (index + 1) for index in range(len(shifts))]
    added = [
        Alternative((1 - FACTORS_WEIGHT) * half / sum(halves) / 2, 1.0, sign * shift)
        for half, shift in zip(halves, shifts)
        for sign in (-1, 1)
    ]
    factors = (factor, factor**2, factor**-2)
    return [*added, *(Alternative(FACTORS_WEIGHT / len(factors), value, 0.0) for value in factors)]


def _shifts(limit: float, labels: int) -> list[float]:
    found = [min(max(2 * limit / max(labels, 2), SMALLEST_SHIFT), 0.5)]
    while found[-1] * 2 < 1.0:
        found.append(found[-1] * 2)
    return found
