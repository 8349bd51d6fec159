"""E-variables: at most 1 on average under every member of the null (summed over all outcomes), and what they see."""

from __future__ import annotations

from itertools import product
from math import comb, exp, log

import numpy as np
import pytest

from validation.canary.sequential import (
    Counts,
    Level,
    hedged,
    log_e_above,
    log_e_share_is,
    log_e_shares,
    log_e_towards,
    log_mean_exp,
    nearest_null,
)

SHARES = (0.001, 0.02, 0.1, 0.3, 0.5, 0.9)
OURS, THEIRS = 3, 8


def binomial(hits: int, trials: int, share: float) -> float:
    return comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)


def mean_e(canary: float, stable: float, alternative: tuple[float, float], margin: float | None) -> float:
    """Return the exact mean of the e-variable of one block where the true shares are `canary` and `stable`."""
    total = 0.0
    for ours, theirs in product(range(OURS + 1), range(THEIRS + 1)):
        e = exp(hedged(log_e_shares(Counts(ours, OURS, theirs, THEIRS), *alternative, margin)))
        total += e * binomial(ours, OURS, canary) * binomial(theirs, THEIRS, stable)
    return total


@pytest.mark.parametrize("alternative", [(0.05, 0.001), (0.4, 0.3), (0.2, 0.3), (0.9, 0.1)])
@pytest.mark.parametrize("common", SHARES)
def test_equality_earns_nothing_on_average_at_any_common_share(
    common: float, alternative: tuple[float, float]
) -> None:
    assert mean_e(common, common, alternative, None) <= 1 + 1e-9


@pytest.mark.parametrize("stable", SHARES)
@pytest.mark.parametrize("excess", [-0.1, -0.01, 0.0, 0.005, 0.02])
def test_an_excess_within_the_margin_earns_nothing_on_average(stable: float, excess: float) -> None:
    canary = max(stable + excess, 0.0)
    assert mean_e(canary, stable, (0.2, 0.05), 0.02) <= 1 + 1e-9


@pytest.mark.parametrize("stable", SHARES)
@pytest.mark.parametrize("excess", [0.02, 0.05, 0.1])
def test_an_excess_beyond_the_margin_earns_nothing_on_average_for_saying_it_is_within(
    stable: float, excess: float
) -> None:
    assert mean_e(stable + excess, stable, (0.05, 0.05), 0.02) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("truth", "alternative", "margin"),
    [
        ((0.4, 0.1), (0.3, 0.1), None),
        ((0.4, 0.1), (0.3, 0.1), 0.02),
        ((0.01, 0.01), (0.01, 0.01), 0.2),
        ((0.1, 0.4), (0.1, 0.3), None),
    ],
)
def test_what_is_beyond_the_null_earns(
    truth: tuple[float, float], alternative: tuple[float, float], margin: float | None
) -> None:
    assert mean_e(*truth, alternative, margin) > 1.1


@pytest.mark.parametrize(("canary", "stable", "margin"), [(0.05, 0.001, 0.01), (0.6, 0.2, 0.1), (0.1, 0.1, 0.05)])
def test_the_nearest_null_is_the_nearest_on_the_line(canary: float, stable: float, margin: float) -> None:
    def divergence(null_stable: float) -> float:
        pairs = ((10, canary, null_stable + margin), (90, stable, null_stable))
        return sum(n * (p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))) for n, p, q in pairs)

    found = nearest_null(canary, stable, margin, 10, 90)
    assert found[0] - found[1] == pytest.approx(margin)
    assert divergence(found[1]) <= min(divergence(share) for share in np.linspace(1e-4, 1 - margin - 1e-4, 2000)) + 1e-6


def test_without_trials_there_is_no_evidence() -> None:
    assert log_e_shares(Counts(0, 0, 0, 0), 0.5, 0.1, None) == 0.0
    assert log_e_shares(Counts(0, 0, 3, 50), 0.5, 0.1, None) == pytest.approx(0.0)
    assert log_e_share_is(0, 0, 0.1, 0.2) == 0.0
    assert log_e_above(Level(0.0, 0.0), 0.0, 1.0) == 0.0


def test_one_strange_block_costs_little() -> None:
    ruin = log_e_shares(Counts(13, 25, 110, 225), 0.02, 0.001, None)
    assert ruin < -50 and hedged(ruin) == pytest.approx(log(0.2))


def test_evidence_is_averaged_not_its_logarithm() -> None:
    assert log_mean_exp([log(3.0), log(1.0)]) == pytest.approx(log(2.0))
    assert log_mean_exp([-800.0, 800.0]) == pytest.approx(800.0 - log(2.0))


@pytest.mark.parametrize("share", [0.08, 0.1, 0.12])
def test_a_share_within_the_band_earns_nothing_on_average(share: float) -> None:
    n = 60
    mean = sum(exp(log_e_share_is(hits, n, 0.08, 0.12)) * binomial(hits, n, share) for hits in range(n + 1))
    assert mean <= 1 + 1e-9


def test_a_share_outside_the_band_is_found() -> None:
    assert log_e_share_is(0, 200, 0.08, 0.12) > log(1000) and log_e_share_is(60, 200, 0.08, 0.12) > log(1000)
    assert log_e_share_is(20, 200, 0.08, 0.12) < 0


@pytest.mark.parametrize("mean", [-0.5, -0.1, 0.0])
@pytest.mark.parametrize("information", [2.0, 50.0, 2000.0])
def test_a_mean_at_or_below_the_null_earns_nothing_on_average(mean: float, information: float) -> None:
    z = np.linspace(-12, 12, 4001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    levels = [Level(mean + float(step) / information**0.5, information) for step in z]
    e = np.exp([log_e_above(level, 0.0, 0.4) for level in levels])
    assert float(np.trapezoid(e * density, z)) <= 1 + 1e-3


def test_the_mixture_is_the_integral_over_its_prior() -> None:
    level, means = Level(0.3, 40.0), np.linspace(0.0, 4.0, 20001)
    prior = 2 * np.exp(-(means**2) / (2 * 0.4**2)) / (0.4 * np.sqrt(2 * np.pi))
    ratio = np.exp(level.information * (level.estimate * means - means**2 / 2))
    assert exp(log_e_above(level, 0.0, 0.4)) == pytest.approx(float(np.trapezoid(prior * ratio, means)), rel=1e-4)


def test_a_mean_far_below_the_null_is_no_evidence_and_no_overflow() -> None:
    found = [log_e_above(Level(-step, 100.0), 0.0, 0.4) for step in (0.0, 0.3, 0.59, 0.61, 1.0, 30.0)]
    assert found == sorted(found, reverse=True) and found[0] < 0


def test_a_mean_below_the_limit_is_shown_at_the_rate_of_its_likelihood_ratio() -> None:
    assert log_e_towards(Level(0.0, 200.0), 0.2, 0.0) == pytest.approx(200 * 0.2**2 / 2)
    assert log_e_towards(Level(0.2, 200.0), 0.2, 0.0) < 0


def test_looking_after_every_block_raises_no_more_false_alarms_than_alpha() -> None:
    """2,000 walks of equal slots, 100 looks each, alpha 0.05 (seed fixed; three standard errors of room)."""
    random = np.random.default_rng(7)
    walks, looks, alpha = 2000, 100, 0.05
    ours, theirs = random.binomial(5, 0.3, (walks, looks)), random.binomial(45, 0.3, (walks, looks))
    table = {(a, b): log_e_shares(Counts(a, 5, b, 45), 0.4, 0.3, None) for a in range(6) for b in range(46)}
    steps = np.vectorize(lambda a, b: table[(a, b)])(ours, theirs)
    ever = (np.cumsum(steps, axis=1).max(axis=1) >= -log(alpha)).mean()
    assert ever <= alpha + 3 * (alpha * (1 - alpha) / walks) ** 0.5
    assert ever > 0.005
