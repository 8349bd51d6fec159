"""The latency ratio: capped means, the level of a wandering series, cold starts."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log

import numpy as np
import pytest

from tests.validation.canary.canaries import CANARY_SLOT, STABLE_SLOT, steady, then
from validation.canary.latency import (
    MEMORY_SECONDS,
    WANDER,
    Point,
    Typical,
    capped_mean,
    estimated,
    latency_ratio,
)
from validation.canary.blocks import Increment, blocks


def part(*seconds: float) -> Increment:
    bounds = (0.005, 0.01, 0.02, 0.04, 0.08, 10.0, inf)
    counts = dict.fromkeys(bounds, 0.0)
    for value in seconds:
        counts[next(bound for bound in bounds if value <= bound)] += 1
    return Increment(answered=len(seconds), latency_sum=sum(seconds), buckets=counts)


def test_a_mean_below_the_cap_is_exact() -> None:
    assert capped_mean(part(0.006, 0.011, 0.019), 0.04) == pytest.approx(0.012)


def test_a_stall_counts_as_the_cap_as_exactly_as_its_bucket_tells() -> None:
    assert capped_mean(part(*[0.006] * 99, 0.06), 0.04) == pytest.approx(0.00634, rel=0.03)
    uncapped, held = (99 * 0.006 + 5.0) / 100, (99 * 0.01 + 0.04) / 100
    found = capped_mean(part(*[0.006] * 99, 5.0), 0.04)
    assert found is not None and found <= held < uncapped


def test_what_a_stalls_bucket_leaves_unknown_does_not_make_the_others_slow() -> None:
    """125 answers of 30 µs and a stall between 50 and 75 ms: the sum may be 11 ms off, three times what the 125 take."""
    bounds = (0.00002, 0.00003, 0.00005, 0.000075, 0.0002, 0.05, 0.075, inf)
    buckets = dict.fromkeys(bounds, 0.0) | {0.00003: 60.0, 0.00005: 65.0}
    alone = capped_mean(Increment(answered=125, latency_sum=125 * 0.00003, buckets=buckets), 0.0002)
    assert alone == pytest.approx(0.00003), "without a stall, the sum is exact"
    for stall in (0.051, 0.061, 0.074):
        counted = Increment(answered=126, latency_sum=125 * 0.00003 + stall, buckets=buckets | {0.075: 1.0})
        found = capped_mean(counted, 0.0002)
        assert found == pytest.approx((125 * 0.00003 + 0.0002) / 126, rel=0.08)


def test_no_answers_have_no_mean() -> None:
    assert capped_mean(Increment(), 0.04) is None
    assert capped_mean(Increment(answered=2, latency_sum=0.02), 0.04) == pytest.approx(0.01)


def test_the_cap_is_some_times_above_the_median() -> None:
    found = Typical.of([part(*[0.009] * 100)])
    assert found.cap == 0.04 and found.scatter == pytest.approx(0.0)
    assert Typical.of([]).cap == inf


def test_a_tight_distribution_at_a_buckets_edge_is_not_taken_for_slow() -> None:
    """3 % slower moves every request into the next bucket; the exact sum shows how little that is."""
    history = steady(100, replace(CANARY_SLOT, seconds=0.0103), replace(STABLE_SLOT, seconds=0.0100))
    assert latency_ratio(blocks(history), 1.25, 20).ratio == pytest.approx(1.03, rel=0.001)


def test_the_first_answers_do_not_count() -> None:
    cold = then(steady(5, replace(CANARY_SLOT, seconds=0.1)), steady(60))
    assert latency_ratio(blocks(cold), 1.25, 20).ratio == pytest.approx(1.0)
    assert latency_ratio(blocks(cold), 1.25, 0).ratio > 1.05


def test_the_level_of_independent_points_is_their_weighted_mean() -> None:
    points = [Point(1000.0 * place, value, 0.01) for place, value in enumerate((0.1, 0.2, 0.3))]
    level = estimated(points)
    assert level.estimate == pytest.approx(0.2)
    assert level.error**2 == pytest.approx((2 * WANDER**2 + 0.01) / 3, rel=0.01)


def test_points_close_in_time_tell_less() -> None:
    far = estimated([Point(100.0 * place, 0.1, 0.001) for place in range(10)])
    near = estimated([Point(1.0 * place, 0.1, 0.001) for place in range(10)])
    assert near.error > 2 * far.error


def test_a_noisier_series_than_assumed_is_believed_less() -> None:
    calm = estimated([Point(5.0 * place, 0.1, 0.001) for place in range(40)])
    wild = estimated([Point(5.0 * place, 0.1 + 0.8 * (-1) ** place, 0.001) for place in range(40)])
    assert wild.error > 3 * calm.error


def test_the_error_is_that_of_the_model() -> None:
    """400 series drawn from the model itself: the estimate scatters as its error says (seed fixed; 20 % of room)."""
    random, seconds = np.random.default_rng(3), np.arange(0, 120, 5.0)
    lags = np.abs(seconds[:, None] - seconds[None, :])
    covariance = 2 * WANDER**2 * np.exp(-lags / MEMORY_SECONDS) + np.eye(len(seconds)) * 0.01
    drawn = random.multivariate_normal(np.full(len(seconds), log(1.5)), covariance, 400)
    levels = [estimated([Point(float(t), float(x), 0.01) for t, x in zip(seconds, row)]) for row in drawn]
    scatter = float(np.std([level.estimate for level in levels]))
    assert scatter == pytest.approx(float(np.median([level.error for level in levels])), rel=0.2)
    assert float(np.mean([level.estimate for level in levels])) == pytest.approx(log(1.5), abs=0.02)
