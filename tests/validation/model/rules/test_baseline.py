"""Rule `baseline`: better than a constant answer, or not, or too close to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.scores import binary, evidence, noisy, numbers
from validation.metrics import compute_all
from validation.model.rules.baseline import baseline, constant
from validation.scored import Scored

CHANCE = np.random.default_rng(8)
TRUTH = (np.arange(1000) % 10 < 3).astype(int)


@pytest.mark.parametrize("primary", ["roc_auc", "accuracy", "average_precision", "recall_at_fpr"])
def test_a_model_that_knows_something_passes(primary: str) -> None:
    (rule,) = baseline(evidence(noisy(1000, seed=1), primary=primary))
    assert rule.outcome is Outcome.PASS
    assert rule.observed is not None and rule.limit is not None and float(rule.observed) > float(rule.limit)


@pytest.mark.slow
def test_minimized_metrics_are_compared_the_other_way() -> None:
    good = noisy(1000, seed=1)
    assert baseline(evidence(good, primary="log_loss", direction="minimize"))[0].outcome is Outcome.PASS
    bad = binary(good.truth, np.clip(1 - good.scores[:, 1], 0.01, 0.99))
    assert baseline(evidence(bad, primary="log_loss", direction="minimize"))[0].outcome is Outcome.FAIL


@pytest.mark.parametrize("value", [0.1, 0.5, 0.9])
def test_a_constant_model_fails_whatever_it_says(value: float) -> None:
    (rule,) = baseline(evidence(binary(TRUTH, [value] * 1000)))
    assert rule.outcome is Outcome.FAIL and rule.reason == "the model says the same of every row"


def test_a_model_below_the_majority_class_fails_on_accuracy() -> None:
    scores = np.where(CHANCE.random(1000) < 0.6, TRUTH, 1 - TRUTH) * 0.8 + 0.1
    (rule,) = baseline(evidence(binary(TRUTH, scores), primary="accuracy"))
    assert rule.outcome is Outcome.FAIL
    assert rule.limit == 0.7 and rule.observed is not None and float(rule.observed) < 0.7


def test_a_lead_that_could_be_chance_is_not_judged() -> None:
    scores = np.full(1000, 0.1)
    scores[[0, 3]] = 0.9, 0.9
    scores[[10, 11]] = 0.9, 0.9
    (rule,) = baseline(evidence(binary(TRUTH, scores), primary="accuracy"))
    assert rule.outcome is Outcome.INCONCLUSIVE and "could be chance" in rule.reason


@pytest.mark.slow
def test_random_scores_pass_at_most_at_the_stated_rate() -> None:
    """One-sided at 95 %: of 200 random models 10 pass on average; 20 and more have a chance of 0.3 %."""
    passed = sum(
        baseline(evidence(binary(TRUTH[:300], np.random.default_rng(seed).random(300)), primary="accuracy"))[0].outcome
        is Outcome.PASS
        for seed in range(200)
    )
    assert passed < 20


def test_too_few_rows_say_nothing() -> None:
    assert baseline(evidence(noisy(150, seed=1)))[0].outcome is Outcome.INCONCLUSIVE


def test_a_regression_is_held_against_the_mean() -> None:
    truth = CHANCE.normal(size=400)
    better, worse = truth + CHANCE.normal(scale=0.3, size=400), CHANCE.normal(scale=2, size=400)
    settings: dict[str, Any] = {"primary": "rmse", "direction": "minimize"}
    (rule,) = baseline(evidence(numbers(truth, better), **settings))
    assert rule.outcome is Outcome.PASS and rule.limit == pytest.approx(truth.std())
    assert baseline(evidence(numbers(truth, worse), **settings))[0].outcome is Outcome.FAIL
    assert baseline(evidence(numbers(truth, [0.0] * 400), **settings))[0].outcome is Outcome.FAIL


def test_a_metric_below_zero_is_shown_as_it_is() -> None:
    truth = CHANCE.normal(size=400)
    (rule,) = baseline(evidence(numbers(truth, CHANCE.normal(scale=3, size=400)), primary="r2"))
    assert rule.outcome is Outcome.FAIL
    assert rule.observed is not None and float(rule.observed) < 0 and f"r2 is {rule.observed:.6g}" in rule.reason


def test_the_constant_answer_is_shares_and_majority() -> None:
    truth = np.array(["a"] * 1 + ["b"] * 6 + ["c"] * 3, dtype=object)
    model = Scored.of("multiclass", truth, np.full((10, 3), 1 / 3), ["a"] * 10, ("a", "b", "c"))
    answer = constant(model)
    np.testing.assert_allclose(answer.scores, [[0.1, 0.6, 0.3]] * 10)
    assert compute_all(answer, evidence(model).settings)["accuracy"] == 0.6
