"""Rules `champion_digest` and `noninferiority`: shown, significantly worse, not shown, and nothing to compare with."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from contracts.verdict import Outcome, Verdict
from tests.validation.scores import calls, evidence, noisy, numbers
from validation.evidence import Champion
from validation.model_rules.champion import champion_digest, noninferiority


def outcome(gap: float, seed: int, rows: int = 2000, margin: float = 0.02) -> Outcome:
    champion = calls(rows, 0.85, seed=10_000 + seed)
    candidate = calls(rows, 0.85 - gap / 0.1, seed=seed, other=champion)
    return noninferiority(evidence(candidate, champion, gate={"margin": margin}, primary="accuracy"))[0].outcome


def test_different_artifacts_are_a_comparison() -> None:
    (rule,) = champion_digest(evidence(noisy(300, seed=1), noisy(300, seed=2)))
    assert rule.outcome is Outcome.PASS and rule.subject == "v1"


def test_the_first_model_has_nothing_to_be_compared_with_and_is_not_held() -> None:
    found = evidence(noisy(300, seed=1))
    for rule in (*champion_digest(found), *noninferiority(found)):
        assert rule.outcome is Outcome.INCONCLUSIVE and not rule.required
        assert "first model, recorded as such" in rule.reason


@pytest.mark.parametrize("asked", [True, False])
def test_the_champion_compared_with_itself_says_nothing_and_holds_where_that_was_asked_for(asked: bool) -> None:
    found = evidence(noisy(300, seed=1), Champion("v1", same=True, asked=asked))
    (digest,) = champion_digest(found)
    assert digest.outcome is Outcome.INCONCLUSIVE and "the candidate is the champion" in digest.reason
    assert digest.required == asked
    (rule,) = noninferiority(found)
    assert rule.outcome is Outcome.INCONCLUSIVE and not rule.required


def test_a_champion_that_cannot_be_scored_is_a_reason_and_not_a_failure() -> None:
    (rule,) = noninferiority(
        evidence(noisy(300, seed=1), Champion("v1", reason="the champion cannot be compared: env_lock"))
    )
    assert rule.outcome is Outcome.INCONCLUSIVE and "env_lock" in rule.reason and not rule.required


@pytest.mark.slow
def test_an_equal_and_a_better_model_pass() -> None:
    champion = noisy(3000, seed=1)
    assert noninferiority(evidence(champion, champion))[0].outcome is Outcome.PASS
    (rule,) = noninferiority(evidence(noisy(3000, seed=2, skill=3.0), champion))
    assert rule.outcome is Outcome.PASS and rule.limit == -0.02
    assert rule.observed is not None and float(rule.observed) > 0


@pytest.mark.slow
def test_a_much_worse_model_fails_with_both_numbers() -> None:
    (rule,) = noninferiority(evidence(noisy(3000, seed=2, skill=1.0), noisy(3000, seed=1, skill=2.5)))
    assert rule.outcome is Outcome.FAIL and rule.observed is not None and float(rule.observed) < -0.02
    assert "champion v1 has" in rule.reason and "allowed 0.02" in rule.reason and rule.next_step


def test_what_cannot_be_shown_holds_the_line() -> None:
    (rule,) = noninferiority(evidence(noisy(250, seed=2), noisy(250, seed=1)))
    assert (
        rule.outcome is Outcome.INCONCLUSIVE
        and rule.required
        and re.search(r"not shown on 250 rows, 1\d\d of them positive", rule.reason)
    )
    assert (
        Verdict.of(
            "validate_model", [rule, *champion_digest(evidence(noisy(250, seed=2), noisy(250, seed=1)))]
        ).exit_code
        == 3
    )


def test_too_few_rows_hold_the_line_too() -> None:
    (rule,) = noninferiority(evidence(noisy(100, seed=2), noisy(100, seed=1)))
    assert rule.outcome is Outcome.INCONCLUSIVE and rule.required and "at least 200" in rule.reason


def test_the_margin_of_a_minimized_metric_is_relative_to_the_champion() -> None:
    chance = np.random.default_rng(4)
    truth = chance.normal(scale=100, size=2000)
    noise = chance.normal(scale=10, size=2000)
    champion, slightly, clearly = (numbers(truth, truth + noise * factor) for factor in (1.0, 1.015, 1.2))
    settings: dict[str, Any] = {"primary": "rmse", "direction": "minimize"}
    (near,) = noninferiority(evidence(slightly, champion, **settings))
    assert near.outcome is Outcome.PASS
    assert near.limit == pytest.approx(-0.02 * np.sqrt(np.mean(noise**2)))
    assert noninferiority(evidence(clearly, champion, **settings))[0].outcome is Outcome.FAIL


@pytest.mark.slow
def test_equal_models_are_stopped_at_most_at_the_stated_rate() -> None:
    """Equal models on 2,000 rows, 10 % discordant: a pass is all but certain; 100 pairs, at most 3 stopped."""
    assert sum(outcome(0.0, seed) is not Outcome.PASS for seed in range(100)) <= 3


@pytest.mark.slow
def test_a_model_at_the_margin_is_let_through_at_most_at_the_stated_rate() -> None:
    """One-sided at 95 %: of 100 models that are 2 points worse 5 pass on average; 12 and more have a chance of 0.4 %."""
    assert sum(outcome(0.02, seed) is Outcome.PASS for seed in range(100)) < 12


def test_a_model_far_beyond_the_margin_fails_nearly_always() -> None:
    assert sum(outcome(0.045, seed) is Outcome.FAIL for seed in range(40)) >= 36
