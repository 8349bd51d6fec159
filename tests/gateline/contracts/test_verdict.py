"""Verdicts: how rules add up, what a comparison says, what comes back from JSON."""

from __future__ import annotations

import itertools
import math

import pytest

from gateline.contracts.verdict import Outcome, Rule, Verdict, add_up, at_least, at_most, unknown

PASS = Rule(name="a", outcome=Outcome.PASS, reason="")
FAIL = Rule(name="b", outcome=Outcome.FAIL, reason="")
SILENT = unknown("c", "no data")
SILENT_REQUIRED = unknown("d", "no data", required=True, subject="late")


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ([], Outcome.INCONCLUSIVE),
        ([SILENT], Outcome.INCONCLUSIVE),
        ([PASS], Outcome.PASS),
        ([PASS, SILENT], Outcome.PASS),
        ([PASS, SILENT_REQUIRED], Outcome.INCONCLUSIVE),
        ([PASS, FAIL], Outcome.FAIL),
        ([FAIL, SILENT_REQUIRED], Outcome.FAIL),
        ([PASS, FAIL, SILENT, SILENT_REQUIRED], Outcome.FAIL),
    ],
)
def test_rules_add_up_in_any_order(rules: list[Rule], outcome: Outcome) -> None:
    assert {add_up(order) for order in itertools.permutations(rules)} == {outcome}
    assert Verdict.of("model", rules).outcome is outcome


@pytest.mark.parametrize(("rules", "code"), [([PASS], 0), ([FAIL], 1), ([], 3)])
def test_each_outcome_has_its_exit_code(rules: list[Rule], code: int) -> None:
    assert Verdict.of("model", rules).exit_code == code


def test_a_verdict_names_what_it_did_not_judge_and_what_failed() -> None:
    verdict = Verdict.of("model", [PASS, FAIL, SILENT, SILENT_REQUIRED])
    assert verdict.not_judged == ("c", "d(late)")
    assert verdict.failed == (FAIL,)


def test_a_comparison_states_both_numbers() -> None:
    assert at_least("accuracy", 0.9, 0.85).reason == "accuracy is 0.9, allowed at least 0.85"
    assert at_least("accuracy", 0.8, 0.85).reason == "accuracy is 0.8, below the limit 0.85"
    assert at_most("p95", 250.0, 200.0, unit="ms").reason == "p95 is 250 ms, above the limit 200"
    assert at_most("limits", 1.0, 2.0, subject="rmse").reason == "rmse is 1, allowed at most 2"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (at_least("a", 1.0, 1.0), Outcome.PASS),
        (at_least("a", 0.999, 1.0), Outcome.FAIL),
        (at_most("a", 1.0, 1.0), Outcome.PASS),
        (at_most("a", 1.001, 1.0), Outcome.FAIL),
        (at_least("a", math.nan, 1.0), Outcome.FAIL),
        (at_most("a", math.nan, 1.0), Outcome.FAIL),
        (at_most("a", math.inf, 1.0), Outcome.FAIL),
    ],
)
def test_a_limit_itself_is_allowed_and_no_number_never_is(rule: Rule, outcome: Outcome) -> None:
    assert rule.outcome is outcome


def test_no_number_is_called_so() -> None:
    assert at_least("auc", math.nan, 0.5).reason == "auc is not a number, allowed at least 0.5"


def test_a_rule_carries_what_else_is_said_of_it() -> None:
    rule = at_least("accuracy", 0.8, 0.85, required=True, sample=200, next_step="train longer")
    assert (rule.observed, rule.limit, rule.sample, rule.required, rule.next_step) == (
        0.8,
        0.85,
        200,
        True,
        "train longer",
    )


def test_a_verdict_comes_back_from_json_also_with_numbers_that_are_not_finite() -> None:
    verdict = Verdict.of(
        "model", [at_least("a", 1.0, 0.5)], judged={"artifact": "x"}, metrics={"auc": math.nan, "rmse": math.inf}
    )
    again = Verdict.model_validate_json(verdict.model_dump_json())
    assert math.isnan(again.metrics["auc"])
    assert again.metrics["rmse"] == math.inf
    assert again.model_copy(update={"metrics": {}}) == verdict.model_copy(update={"metrics": {}})
