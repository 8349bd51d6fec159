"""The paired bootstrap: its error against the closed form, and its error rates by simulation with a fixed seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateline.settings import Metrics
from tests.validation.scores import binary, calls, noisy, numbers
from validation.metrics import Scored, constant, measure
from validation.model.bootstrap import MOST_ROWS, Difference, difference, worst


def accuracy(scored: Scored) -> float | None:
    return measure("accuracy", scored, Metrics())


def roc_auc(scored: Scored) -> float | None:
    return measure("roc_auc", scored, Metrics())


def mcnemar_error(one: Scored, other: Scored) -> float:
    """Return the standard error of the difference of two accuracies from the discordant pairs."""
    difference = (one.truth == one.called).astype(float) - (other.truth == other.called)
    return float(difference.std() / math.sqrt(len(difference)))


def test_the_error_is_that_of_mcnemars_pairs() -> None:
    champion = calls(3000, 0.85, seed=1)
    candidate = calls(3000, 0.83, seed=2, other=champion)
    found = difference(accuracy, candidate, champion)
    assert found is not None
    assert found.observed == pytest.approx(
        np.mean(candidate.truth == candidate.called) - np.mean(champion.truth == champion.called)
    )
    assert found.error == pytest.approx(mcnemar_error(candidate, champion), rel=0.15)


def test_the_error_of_many_rows_is_scaled_from_fewer() -> None:
    champion = calls(3 * MOST_ROWS, 0.85, seed=1)
    candidate = calls(3 * MOST_ROWS, 0.85, seed=2, other=champion)
    found = difference(accuracy, candidate, champion)
    assert found is not None and found.rows == 3 * MOST_ROWS
    assert found.error == pytest.approx(mcnemar_error(candidate, champion), rel=0.15)


@pytest.mark.slow
def test_the_error_of_an_auc_is_that_of_fresh_rows() -> None:
    """Against the spread over 200 fresh samples; both carry about 5 % of error of their own, 25 % is 3.5 sigma."""
    found = difference(roc_auc, noisy(1000, seed=1, of=0), noisy(1000, seed=2, of=0))
    fresh = [
        (roc_auc(noisy(1000, seed=10 + number, of=number)) or 0)
        - (roc_auc(noisy(1000, seed=5000 + number, of=number)) or 0)
        for number in range(200)
    ]
    assert found is not None
    assert found.error == pytest.approx(np.std(fresh), rel=0.25)


@pytest.mark.slow
def test_the_same_inputs_give_the_same_answer_and_equal_models_differ_by_nothing() -> None:
    one, other = noisy(400, seed=1), noisy(400, seed=2)
    assert difference(roc_auc, one, other) == difference(roc_auc, one, other)
    same = difference(roc_auc, one, one)
    assert same is not None and (same.observed, same.error) == (0.0, 0.0)


def test_bounds_hold_the_difference_between_them() -> None:
    found = Difference(0.90, 0.88, error=0.01, rows=100)
    assert found.lower(0.95) == pytest.approx(0.02 - 1.6449 * 0.01, abs=1e-5)
    assert found.upper(0.95) == pytest.approx(0.02 + 1.6449 * 0.01, abs=1e-5)
    assert Difference(2.0, 3.0, 0.1, 100, "minimize").observed == 1.0


def test_an_undefined_metric_has_no_difference() -> None:
    assert difference(roc_auc, binary([1, 1], [0.1, 0.2]), binary([1, 1], [0.1, 0.2])) is None


def test_a_metric_that_most_resamples_leave_undefined_has_no_difference() -> None:
    def of_distinct_scores(scored: Scored) -> float | None:
        return 1.0 if len(np.unique(scored.scores[:, 1])) == len(scored) else None

    scored = noisy(30, seed=1)
    assert of_distinct_scores(scored) == 1.0
    assert difference(of_distinct_scores, scored, scored) is None


def test_rows_that_do_not_pair_are_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="10 and 11"):
        difference(accuracy, noisy(10, seed=1), noisy(11, seed=1))


METRICS = Metrics()


def bound(name: str, scored: Scored, sign: int = 1) -> float:
    found = worst(lambda rows: measure(name, rows, METRICS), scored, constant(scored), sign)
    assert found is not None
    return found


def test_all_rows_right_is_not_all_rows_ever() -> None:
    few, many = (binary([0, 1] * half, [0.001, 0.999] * half) for half in (20, 2000))
    assert 0.8 < bound("accuracy", few) < 0.97 and bound("accuracy", many) > 0.99
    assert 0.05 < bound("log_loss", few, -1) < 0.3 and bound("log_loss", many, -1) < 0.01


def test_of_equal_test_sets_about_one_in_a_hundred_is_beyond_it() -> None:
    limit = bound("accuracy", calls(400, 0.85, seed=1))
    own = float(np.mean(calls(400, 0.85, seed=1).truth == calls(400, 0.85, seed=1).called))
    assert limit < own - 0.02
    others = [calls(400, own, seed=seed) for seed in range(2, 302)]
    beyond = sum(float(np.mean(other.truth == other.called)) < limit for other in others)
    assert beyond <= 9  # 3 on average; ten and more of 300 have a chance of 0.1 %


def test_it_is_on_the_worse_side_of_every_metric() -> None:
    scored = noisy(300, seed=1)
    assert bound("roc_auc", scored) < (measure("roc_auc", scored, METRICS) or 0.0)
    truth = np.random.default_rng(1).normal(size=300)
    line = numbers(truth, truth + np.random.default_rng(2).normal(scale=0.5, size=300))
    assert bound("rmse", line, -1) > 0.5


def test_what_is_not_defined_has_no_bound() -> None:
    scored = binary([1] * 30, [0.9] * 30)
    assert worst(lambda rows: measure("roc_auc", rows, METRICS), scored, constant(scored), 1) is None
