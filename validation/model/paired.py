"""How much two models differ on the same rows, and how sure that is: a paired bootstrap.

Both models are measured on the same resampled rows, so what they share (hard rows, easy rows) cancels out. The bounds are
those of the normal distribution with the bootstrap's standard error (Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapters 6 and 13); of large data, m of the n rows are drawn and the error is scaled by sqrt(m/n) (Bickel, Götze and
van Zwet, 1997). For row means (accuracy, log loss) this is McNemar's comparison of the pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from validation.scored import Scored

RESAMPLES = 200
MOST_ROWS = 5_000
"""Most rows of one resample: keeps the time of a comparison bounded."""
SEED = 20_130_101


@dataclass(frozen=True)
class Difference:
    """A metric of two models on the same rows; `error` is the standard error of the difference."""

    first: float
    second: float
    error: float
    rows: int
    direction: Literal["maximize", "minimize"] = "maximize"

    @property
    def observed(self) -> float:
        """How much better the first model is; negative where it is worse."""
        return self.first - self.second if self.direction == "maximize" else self.second - self.first

    def lower(self, confidence: float) -> float:
        """Return the one-sided lower bound of the true difference."""
        return self.observed - NormalDist().inv_cdf(confidence) * self.error

    def upper(self, confidence: float) -> float:
        """Return the one-sided upper bound of the true difference."""
        return self.observed + NormalDist().inv_cdf(confidence) * self.error


def difference(
    measure: Callable[[Scored], float | None],
    first: Scored,
    second: Scored,
    direction: Literal["maximize", "minimize"] = "maximize",
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Difference | None:
    """Return how much better a metric is of the first model than of the second; None where it is not defined there.

    The same inputs give the same result. Both `Scored` hold the same n rows in the same order.
    """
    if len(first) != len(second):
        raise ValueError(f"paired rows differ in number: {len(first)} and {len(second)}")
    whole = measure(first), measure(second)
    if whole[0] is None or whole[1] is None:
        return None
    chance, rows = np.random.default_rng(seed), len(first)
    drawn = min(rows, MOST_ROWS)
    samples = (chance.integers(0, rows, drawn) for _ in range(resamples))
    pairs = [(measure(first.take(sample)), measure(second.take(sample))) for sample in samples]
    defined = [one - other for one, other in pairs if one is not None and other is not None]
    if len(defined) < resamples // 2:
        return None
    error = float(np.std(defined, ddof=1)) * math.sqrt(drawn / rows)
    return Difference(whole[0], whole[1], error, rows, direction)
