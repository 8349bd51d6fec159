"""Rules on the candidate alone: `baseline`, `golden`, `limits`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gateline.contracts.verdict import Outcome, Rule
from tests.validation.scores import NO_GOLDEN, binary, evidence, noisy, numbers
from validation.metrics import Scored, compute_all, constant
from validation.model.case import Golden
from validation.model.limits import Limit
from validation.model.rules.candidate import baseline, golden, limits

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
def test_a_constant_model_fails_no_matter_what_it_says(value: float) -> None:
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


SCORES = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5]])
SAME = Golden(SCORES, SCORES.copy(), (1, 0, 1), (1, 0, 1), (0, 1), (0, 1))


def judge(recorded: Golden) -> Rule:
    return golden(evidence(noisy(10, seed=1), golden=recorded))[0]


def test_scores_as_recorded_pass_and_so_does_rounding() -> None:
    rule = judge(SAME)
    assert (rule.outcome, rule.observed, rule.limit, rule.sample) == (Outcome.PASS, 0.0, 1e-9, 3)
    assert judge(replace(SAME, scores=SCORES + 5e-10)).outcome is Outcome.PASS


def test_an_estimator_may_have_been_fitted_to_the_numbers_of_its_classes() -> None:
    assert judge(replace(SAME, classes=("no", "yes"))).outcome is Outcome.PASS


def test_an_answer_that_depends_on_company_fails() -> None:
    rule = judge(replace(SAME, unsteady="asked one at a time, 3 of 3 golden rows score otherwise than as a batch"))
    assert rule.outcome is Outcome.FAIL and rule.reason.startswith("asked one at a time")
    assert "answer each row by itself" in rule.next_step


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(SAME, scores=SCORES + np.array([[0, 0], [0, 2e-9], [0, 0]])), "1 of 3 golden rows score otherwise"),
        (replace(SAME, scores=SCORES[:, ::-1]), "2 of 3 golden rows score otherwise"),
        (replace(SAME, scores=np.full((3, 2), np.nan)), "3 of 3 golden rows score otherwise"),
        (replace(SAME, scores=SCORES[:, :1]), "golden scores have shape (3, 1), recorded is (3, 2)"),
        (replace(SAME, predictions=(0, 1, 0)), "3 of 3 golden rows are decided otherwise"),
        (replace(SAME, classes=(1, 0)), "orders its classes otherwise than the manifest"),
    ],
)
def test_any_difference_fails(changed: Golden, reason: str) -> None:
    rule = judge(changed)
    assert rule.outcome is Outcome.FAIL
    assert reason in rule.reason and "train again" in rule.next_step


def test_no_golden_rows_are_not_passed() -> None:
    assert judge(NO_GOLDEN).outcome is Outcome.INCONCLUSIVE


@pytest.fixture
def scored() -> Scored:
    return noisy(400, seed=1)


def test_a_limit_is_met_exactly_at_its_value_and_missed_just_beyond(scored: Scored) -> None:
    value = compute_all(scored, evidence(scored).settings)["accuracy"]
    cases = {
        ("min", value): "pass",
        ("min", value + 1e-9): "fail",
        ("max", value): "pass",
        ("max", value - 1e-9): "fail",
    }
    for (bound, limit), outcome in cases.items():
        (rule,) = limits(evidence(scored, limits=(Limit("accuracy", "min" if bound == "min" else "max", limit),)))
        assert rule.outcome == outcome
        assert (rule.name, rule.subject, rule.observed, rule.limit, rule.sample) == (
            "limits",
            "accuracy",
            value,
            limit,
            400,
        )
        assert bool(rule.next_step) == (outcome == "fail")


def test_each_limit_is_a_rule_of_its_own(scored: Scored) -> None:
    rules = limits(evidence(scored, limits=(Limit("accuracy", "min", 0.5), Limit("f1", "min", 0.999))))
    assert [(rule.subject, rule.outcome) for rule in rules] == [("accuracy", Outcome.PASS), ("f1", Outcome.FAIL)]


def test_too_few_rows_say_nothing_even_where_the_metric_is_good(scored: Scored) -> None:
    gate = {"min_rows": 401}
    (rule,) = limits(evidence(scored, limits=(Limit("accuracy", "min", 0.1),), gate=gate))
    assert rule.outcome is Outcome.INCONCLUSIVE
    assert "400 test rows, at least 401 are needed" in rule.reason
    (rule,) = limits(evidence(scored, limits=(Limit("accuracy", "min", 0.1),), gate={"min_rows": 400}))
    assert rule.outcome is Outcome.PASS


def test_a_metric_that_is_not_defined_is_not_passed() -> None:
    one_class = binary([1] * 300, [0.9] * 300)
    (rule,) = limits(evidence(one_class, limits=(Limit("roc_auc", "min", 0.1),)))
    assert rule.outcome is Outcome.INCONCLUSIVE and "not defined on these 300 rows" in rule.reason
    assert "every class" in rule.next_step


def test_a_metric_of_ones_own_that_is_no_number_is_not_passed(scored: Scored) -> None:
    custom = ("tests.validation.test_metrics:undefined",)
    (rule,) = limits(evidence(scored, limits=(Limit("undefined", "min", 0.1),), custom=custom))
    assert rule.outcome is Outcome.INCONCLUSIVE and "metric of your own" in rule.next_step


def test_no_limit_at_all_is_not_passed(scored: Scored) -> None:
    (rule,) = limits(evidence(scored))
    assert rule.outcome is Outcome.INCONCLUSIVE and rule.reason == "no limit is set"


def test_a_regression_has_limits_too() -> None:
    found = evidence(
        numbers(range(300), [value + 2.0 for value in range(300)]), limits=(Limit("mae", "max", 2.0),), primary="mae"
    )
    assert limits(found)[0].outcome is Outcome.PASS
