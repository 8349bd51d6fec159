"""The paired bootstrap: its error against the closed form, and its error rates by simulation with a fixed seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateline.settings import Metrics
from tests.validation.scores import binary, calls, noisy
from validation.metrics import measure
from validation.model.paired import MOST_ROWS, Difference, difference
from validation.scored import Scored


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
