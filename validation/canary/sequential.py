"""Tests that may be looked at as often as one likes: the chance that evidence ever reaches 1/alpha is at most alpha.

Each function returns the logarithm of an e-variable: a number that is at most 1 on average while the null hypothesis holds,
given the past. Products over blocks and averages over alternatives keep that property, and by Ville's inequality such a
product ever reaches 1/alpha with probability at most alpha.

Sources: Ville, Étude critique de la notion de collectif (1939); Robbins, Statistical methods related to the law of the
iterated logarithm, Ann. Math. Stat. 41 (1970); Turner, Ly and Grünwald, Generic E-variables for exact sequential k-sample
tests that allow for optional stopping, J. Stat. Plan. Inference 230 (2024), and Turner and Grünwald, Exact anytime-valid
confidence intervals for contingency tables and beyond, Stat. Probab. Lett. 198 (2023); Ramdas et al., Game-theoretic
statistics and safe anytime-valid inference, Stat. Science 38 (2023).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, inf, lgamma, log, log1p, pi, sqrt

TINY = 1e-12
STAKE = 0.8
"""Part of the evidence that one block may cost at most: see `hedged`."""
ALPHAS = {"predictions": 0.45, "latency": 0.3, "errors": 0.15, "split": 0.05, "tail": 0.05}
"""Parts of `gates.canary.alpha`. Predictions need most evidence and get most; an uneven split shows within seconds."""
PASS_ALPHA = 0.05
"""Chance that a canary just beyond a limit is said to keep it."""
WITHIN_ALPHA = 0.05
"""Chance that a canary within a limit is said to break it, although it does differ from stable."""


@dataclass(frozen=True)
class Counts:
    """What one block counted: `hits` of `trials`, in the canary and in stable."""

    canary_hits: float
    canary_trials: float
    stable_hits: float
    stable_trials: float


def log_e_shares(counts: Counts, canary: float, stable: float, margin: float | None) -> float:
    """Return the log e-variable of one block for the alternative shares (`canary`, `stable`), strictly between 0 and 1.

    The null is 'canary share = stable share' where `margin` is None, else the line 'canary share = stable share + margin',
    and all beyond it as seen from the alternative. The common share may differ from block to block: a burst in both slots is
    no evidence. The null's nearest member is the reverse information projection (Turner and Grünwald 2023).
    """
    trials = (counts.canary_trials, counts.stable_trials)
    null_canary, null_stable = nearest_null(canary, stable, margin, *trials)
    return _log_ratio(counts.canary_hits, counts.canary_trials, canary, null_canary) + _log_ratio(
        counts.stable_hits, counts.stable_trials, stable, null_stable
    )


@lru_cache(maxsize=65536)
def nearest_null(
    canary: float, stable: float, margin: float | None, canary_trials: float, stable_trials: float
) -> tuple[float, float]:
    """Return the shares on the null's edge nearest to the alternative, by Kullback-Leibler divergence over all trials."""
    trials = canary_trials + stable_trials
    if not trials:
        return canary, stable
    if not margin:
        common = (canary_trials * canary + stable_trials * stable) / trials
        return common, common
    low, high = max(0.0, -margin) + TINY, min(1.0, 1.0 - margin) - TINY
    for _ in range(40):
        middle = (low + high) / 2
        upper = middle + margin  # the slope is that of the divergence from the alternative, over all trials
        slope = canary_trials * (upper - canary) / (upper * (1.0 - upper))
        slope += stable_trials * (middle - stable) / (middle * (1.0 - middle))
        low, high = (low, middle) if slope > 0 else (middle, high)
    return low + margin, low


def hedged(*log_e: float) -> float:
    """Return the log of `1 - STAKE + STAKE * mean(e)`: an e-variable too, that no strange block can bring down to nothing.

    A burst of errors in both slots is unlikely under every alternative; evidence would else take hours to recover from it.
    """
    return log_mean_exp_weighted([0.0, *log_e], [1.0 - STAKE, *[STAKE / len(log_e)] * len(log_e)])


def log_mean_exp_weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the logarithm of the weighted mean of `exp(values)`; weights add up to 1."""
    top = max(values)
    return top + log(sum(weight * exp(value - top) for value, weight in zip(values, weights)))


def log_mean_exp(values: Sequence[float]) -> float:
    """Return the logarithm of the mean of `exp(values)`: the average of e-variables given by their logarithms."""
    return log_mean_exp_weighted(values, [1 / len(values)] * len(values))


def log_e_share_is(hits: float, trials: float, low: float, high: float) -> float:
    """Return the log e-variable against 'the share is within [low, high]', by Robbins' uniform mixture.

    The marginal likelihood under a uniform share over the largest likelihood in the interval.
    """
    if not trials:
        return 0.0
    marginal = lgamma(hits + 1) + lgamma(trials - hits + 1) - lgamma(trials + 2)
    share = min(max(hits / trials, low), high)
    likelihood = hits * log(share) if hits else 0.0
    return marginal - (likelihood + ((trials - hits) * log1p(-share) if trials > hits else 0.0))


@dataclass(frozen=True)
class Level:
    """A Gaussian estimate: `information` is one over its variance."""

    estimate: float
    information: float

    @property
    def error(self) -> float:
        """Standard error; infinite without information."""
        return 1.0 / sqrt(self.information) if self.information > 0 else inf


def log_e_above(level: Level, null: float, scale: float) -> float:
    """Return the log e-variable against 'the mean is at most `null`', for excesses of about `scale` (half-normal mixture).

    A closed form (Robbins 1970; Howard et al., Time-uniform, nonparametric, nonasymptotic confidence sequences,
    Ann. Stat. 49, 2021, the one-sided normal mixture).
    """
    if level.information <= 0:
        return 0.0
    precision = level.information + 1.0 / scale**2
    score = level.information * (level.estimate - null)
    z = score / sqrt(precision)
    # log(exp(z²/2) · 2Φ(z)), by its asymptote where Φ underflows (Abramowitz and Stegun 26.2.12)
    tail = z * z / 2 + log(erfc(-z / sqrt(2))) if z > -6 else log(sqrt(2 / pi) / -z)
    return tail - 0.5 * log(precision * scale**2)


def log_e_under(level: Level, null: float, scale: float) -> float:
    """Return the log e-variable against 'the mean is at least `null`', for shortfalls of about `scale` (half-normal)."""
    return log_e_above(Level(-level.estimate, level.information), -null, scale)


def log_e_towards(level: Level, null: float, likely: float) -> float:
    """Return the log e-variable against 'the mean is `null`, or beyond it as seen from `likely`', for that one alternative."""
    step = likely - null
    return level.information * step * (level.estimate - null - step / 2)


def _log_ratio(hits: float, trials: float, share: float, null: float) -> float:
    return hits * log(share / null) + (trials - hits) * (log1p(-share) - log1p(-null))


def sums(blocks: Iterable[Sequence[float]]) -> list[float]:
    return [sum(column) for column in zip(*blocks)]


def reached(log_e: float, alpha: float) -> bool:
    return log_e >= -log(alpha)
