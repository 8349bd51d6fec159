"""Rule `golden`: as recorded, off by a little, decided otherwise, classes exchanged, and nothing recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateline.contracts.verdict import Outcome, Rule
from tests.validation.scores import NO_GOLDEN, evidence, noisy
from validation.model.evidence import Golden
from validation.model.rules.golden import golden

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
def test_whatever_differs_fails(changed: Golden, reason: str) -> None:
    rule = judge(changed)
    assert rule.outcome is Outcome.FAIL
    assert reason in rule.reason and "train again" in rule.next_step


def test_no_golden_rows_are_not_passed() -> None:
    assert judge(NO_GOLDEN).outcome is Outcome.INCONCLUSIVE
