"""How far a metric of one model may lie from what was measured, on as many rows: a bootstrap that has seen a few more errors.

A plain bootstrap of rows that were all answered right says that no row ever will be wrong. So each resample holds, beside the
test rows, `PSEUDO_ROWS` that are answered as a constant answer would: the 'add two successes and two failures' of Agresti and
Coull (Approximate is better than 'exact', The American Statistician 52, 1998), for any metric. The bound is that of the normal
distribution with the bootstrap's mean and standard error (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from validation.model.paired import MOST_ROWS, SEED
from validation.scored import Scored

RESAMPLES = 100
PSEUDO_ROWS = 4
CONFIDENCE = 0.99
"""One-sided: of a hundred test sets of this size, one gives an equal model a worse value."""


def worst(
    measure: Callable[[Scored], float | None], scored: Scored, constant: Scored, sign: int, confidence: float = CONFIDENCE
) -> float | None:
    """Return the worst value that an equal model may have on as many rows; None where the metric is not defined on them.

    `constant` is the constant answer to the same rows; `sign` is 1 where more of the metric is better, -1 where less is.
    The same inputs give the same result.
    """
    rows, chance = len(scored), np.random.default_rng(SEED)
    drawn, both = min(rows, MOST_ROWS), scored.followed_by(constant)
    values = []
    for _ in range(RESAMPLES):
        own, pseudo = chance.integers(0, rows, drawn), chance.integers(rows, 2 * rows, PSEUDO_ROWS)
        values.append(measure(both.take(np.concatenate([own, pseudo]))))
    defined = [value for value in values if value is not None]
    if len(defined) < RESAMPLES // 2:
        return None
    error = float(np.std(defined, ddof=1)) * math.sqrt(drawn / rows)
    return float(np.mean(defined)) - sign * NormalDist().inv_cdf(confidence) * error
