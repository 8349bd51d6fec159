"""How far a metric may lie from what was measured."""

from __future__ import annotations

import numpy as np

from gateline.settings import Metrics
from tests.validation.scores import binary, calls, noisy, numbers
from validation.metrics import measure
from validation.model.interval import worst
from validation.model.rules.baseline import constant
from validation.scored import Scored

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


def test_it_lies_on_the_worse_side_of_every_metric() -> None:
    scored = noisy(300, seed=1)
    assert bound("roc_auc", scored) < (measure("roc_auc", scored, METRICS) or 0.0)
    truth = np.random.default_rng(1).normal(size=300)
    line = numbers(truth, truth + np.random.default_rng(2).normal(scale=0.5, size=300))
    assert bound("rmse", line, -1) > 0.5


def test_what_is_not_defined_has_no_bound() -> None:
    scored = binary([1] * 30, [0.9] * 30)
    assert worst(lambda rows: measure("roc_auc", rows, METRICS), scored, constant(scored), 1) is None
