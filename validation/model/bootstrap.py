"""How sure a metric is: of the difference of two models on the same rows, and of one model on other rows of the same kind.

Both draw rows again (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 13) and take the bounds of
the normal distribution with the bootstrap's standard error; of large data, m of the n rows are drawn and the error is scaled
by sqrt(m/n) (Bickel, Götze and van Zwet, 1997).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from gateline.settings import Metrics
from validation.metrics import Scored, measure

Measure = Callable[[Scored], float | None]
Direction = Literal["maximize", "minimize"]
RESAMPLES = 200
MOST_ROWS = 5_000
"""Most rows of one resample: keeps the time of a comparison bounded."""
SEED = 20_130_101
WORST_RESAMPLES = 100
PSEUDO_ROWS = 4
CONFIDENCE = 0.99
"""One-sided: of a hundred test sets of this size, one gives an equal model a worse value."""


@dataclass(frozen=True)
class Difference:
    """A metric of two models on the same rows; `error` is the standard error of the difference."""

    first: float
    second: float
    error: float
    rows: int
    direction: Direction = "maximize"

    @property
    def observed(self) -> float:
        """How much better the first model is; negative where it is worse."""
        return self.first - self.second if self.direction == "maximize" else self.second - self.first

    def lower(self, confidence: float) -> float:
        return self.observed - NormalDist().inv_cdf(confidence) * self.error

    def upper(self, confidence: float) -> float:
        return self.observed + NormalDist().inv_cdf(confidence) * self.error


def difference(
    measure: Measure,
    first: Scored,
    second: Scored,
    direction: Direction = "maximize",
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Difference | None:
    """Return how much better a metric is of the first model than of the second; None where it is not defined there.

    Both models are measured on the same resampled rows, so what they share (hard rows, easy rows) cancels out; for row means
    (accuracy, log loss) this is McNemar's comparison of the pairs. The same inputs give the same result. Both `Scored` hold
    the same n rows in the same order.
    """
    if len(first) != len(second):
        raise ValueError(f"paired rows differ in number: {len(first)} and {len(second)}")
    one, other = measure(first), measure(second)
    if one is None or other is None:
        return None
    chance, rows = np.random.default_rng(seed), len(first)
    drawn = min(rows, MOST_ROWS)
    samples = (chance.integers(0, rows, drawn) for _ in range(resamples))
    pairs = [(measure(first.take(sample)), measure(second.take(sample))) for sample in samples]
    defined = [ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    if len(defined) < resamples // 2:
        return None
    error = float(np.std(defined, ddof=1)) * math.sqrt(drawn / rows)
    return Difference(one, other, error, rows, direction)


def compare(name: str, one: Scored, other: Scored, settings: Metrics, resamples: int = RESAMPLES) -> Difference | None:
    """Return how much better a metric of one model is than of another, on the same rows; a log loss that is not the primary
    metric with the floor of `Scored.floored`."""
    if name == "log_loss" != settings.primary:
        one, other = one.floored(), other.floored()
    direction: Direction = "minimize" if settings.minimized(name) else "maximize"
    return difference(lambda rows: measure(name, rows, settings), one, other, direction, resamples=resamples)


def worst(
    measure: Measure, scored: Scored, constant: Scored, sign: int, confidence: float = CONFIDENCE
) -> float | None:
    """Return the worst value that an equal model may have on as many rows; None where the metric is not defined on them.

    A plain bootstrap of rows that were all answered right says that no row ever will be wrong. So each resample holds, with
    the test rows, `PSEUDO_ROWS` that are answered as `constant`, a constant answer, would: the 'add two successes and two
    failures' of Agresti and Coull (Approximate is better than 'exact', The American Statistician 52, 1998), for any metric.
    `sign` is 1 where more of the metric is better, -1 where less is. The same inputs give the same result.
    """
    rows, chance = len(scored), np.random.default_rng(SEED)
    drawn, both = min(rows, MOST_ROWS), scored.followed_by(constant)
    values = []
    for _ in range(WORST_RESAMPLES):
        own, pseudo = chance.integers(0, rows, drawn), chance.integers(rows, 2 * rows, PSEUDO_ROWS)
        values.append(measure(both.take(np.concatenate([own, pseudo]))))
    defined = [value for value in values if value is not None]
    if len(defined) < WORST_RESAMPLES // 2:
        return None
    error = float(np.std(defined, ddof=1)) * math.sqrt(drawn / rows)
    return float(np.mean(defined)) - sign * NormalDist().inv_cdf(confidence) * error
