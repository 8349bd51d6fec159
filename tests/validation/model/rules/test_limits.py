"""Rule `limits`: met, missed, and not judged."""

from __future__ import annotations

import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.scores import binary, evidence, noisy, numbers
from validation.metrics import compute_all
from validation.model.limits import Limit
from validation.model.rules.limits import limits
from validation.scored import Scored


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
