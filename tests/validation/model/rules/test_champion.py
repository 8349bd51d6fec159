"""Rules `champion_digest` and `noninferiority`: shown, significantly worse, not shown, and nothing to compare with."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gateline.contracts.verdict import Outcome, Verdict
from gateline.settings import Metrics
from tests.validation.scores import binary, calls, evidence, noisy, numbers
from validation.model.case import Champion
from validation.model.rules.champion import champion_digest, compared, far_above, noninferiority
from validation.metrics import Scored


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


@pytest.mark.parametrize("accepted", [False, True])
def test_a_champion_that_cannot_be_scored_holds_the_pipeline_until_it_is_accepted_by_hand(accepted: bool) -> None:
    champion = Champion("v1", reason="the champion cannot be compared: env_lock", next_step="x", accepted=accepted)
    (rule,) = noninferiority(evidence(noisy(300, seed=1), champion))
    assert rule.outcome is Outcome.INCONCLUSIVE and "env_lock" in rule.reason and rule.next_step == "x"
    assert rule.required is not accepted and ("accepted by hand" in rule.reason) is accepted


@pytest.mark.slow
def test_an_equal_and_a_better_model_pass() -> None:
    champion = noisy(3000, seed=1)
    assert noninferiority(evidence(champion, champion))[0].outcome is Outcome.PASS
    rule, proper = noninferiority(evidence(noisy(3000, seed=2, skill=3.0), champion))
    assert proper.outcome is Outcome.PASS and proper.subject == "log_loss"
    assert rule.outcome is Outcome.PASS and rule.limit == -0.02
    assert rule.observed is not None and float(rule.observed) > 0


@pytest.mark.slow
def test_a_much_worse_model_fails_with_both_numbers() -> None:
    rule, _ = noninferiority(evidence(noisy(3000, seed=2, skill=1.0), noisy(3000, seed=1, skill=2.5)))
    assert rule.outcome is Outcome.FAIL and rule.observed is not None and float(rule.observed) < -0.02
    assert "champion v1 has" in rule.reason and "allowed 0.02" in rule.reason and rule.next_step


def test_what_cannot_be_shown_stops_the_pipeline() -> None:
    rule, _ = noninferiority(evidence(noisy(250, seed=2), noisy(250, seed=1)))
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


def test_too_few_rows_stop_the_pipeline_too() -> None:
    (rule,) = noninferiority(evidence(noisy(100, seed=2), noisy(100, seed=1)))
    assert rule.outcome is Outcome.INCONCLUSIVE and rule.required and "at least 200" in rule.reason


def test_the_margin_of_a_minimized_metric_is_relative_to_the_champion() -> None:
    chance = np.random.default_rng(4)
    truth = chance.normal(scale=100, size=2000)
    noise = chance.normal(scale=10, size=2000)
    champion, slightly, clearly = (numbers(truth, truth + noise * factor) for factor in (1.0, 1.015, 1.2))
    settings: dict[str, Any] = {"primary": "rmse", "direction": "minimize"}
    near, _ = noninferiority(evidence(slightly, champion, **settings))
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


def probabilities(rows: int = 4000, seed: int = 3) -> tuple[Any, Any]:
    """Return labels and their true probabilities, a third of them positive."""
    chance = np.random.default_rng(seed)
    truth = 1 / (1 + np.exp(-chance.normal(-1.0, 2.0, rows)))
    return (chance.random(rows) < truth).astype(int), truth


def outcomes(candidate: Scored, champion: Scored, **more: Any) -> dict[str, Outcome]:
    return {rule.subject: rule.outcome for rule in noninferiority(evidence(candidate, champion, **more))}


def test_probabilities_to_the_sixth_power_rank_as_before_and_fail() -> None:
    labels, truth = probabilities()
    found = outcomes(binary(labels, truth**6), binary(labels, truth))
    assert found == {"roc_auc": Outcome.PASS, "log_loss": Outcome.FAIL}


@pytest.mark.parametrize("primary", ["roc_auc", "average_precision"])
def test_a_model_that_never_says_yes_fails(primary: str) -> None:
    labels, truth = probabilities()
    found = outcomes(binary(labels, truth * 0.49), binary(labels, truth), primary=primary)
    assert found[primary] is Outcome.PASS
    assert found["log_loss"] is Outcome.FAIL and found["answers of '1'"] is Outcome.FAIL


def test_a_threshold_that_nothing_reaches_fails_though_every_score_is_the_same() -> None:
    labels, truth = probabilities()
    found = outcomes(binary(labels, truth, threshold=1.0), binary(labels, truth))
    assert found == {"roc_auc": Outcome.PASS, "log_loss": Outcome.PASS, "answers of '1'": Outcome.FAIL}


def test_a_class_that_the_champion_hardly_answers_need_not_be_answered() -> None:
    labels, truth = probabilities()
    few = np.where(np.arange(len(truth)) < 9, 0.9, np.minimum(truth, 0.4))
    assert "answers of '1'" not in outcomes(binary(labels, np.minimum(truth, 0.4)), binary(labels, few))


def test_a_model_that_is_far_off_now_and_then_is_no_better_for_being_near_otherwise() -> None:
    chance = np.random.default_rng(5)
    truth = chance.normal(0, 10, 3000)
    off = np.where(chance.random(3000) < 0.05, 10.0, 0.1)
    candidate, champion = numbers(truth, truth + off), numbers(truth, truth + chance.normal(0, 1, 3000))
    settings: dict[str, Any] = {"primary": "mae", "direction": "minimize"}
    assert outcomes(candidate, champion, **settings) == {"mae": Outcome.PASS, "rmse": Outcome.FAIL}


@pytest.mark.parametrize(
    ("task", "primary", "names"),
    [
        ("binary", "roc_auc", ("roc_auc", "log_loss")),
        ("multiclass", "log_loss", ("log_loss",)),
        ("regression", "rmse", ("rmse", "mae")),
        ("regression", "mae", ("mae", "rmse")),
        ("regression", "r2", ("r2", "rmse")),
    ],
)
def test_every_primary_metric_has_a_proper_score_with_it(task: Any, primary: str, names: tuple[str, ...]) -> None:
    assert compared(task, Metrics(primary=primary)) == names


def test_the_proper_margin_is_a_setting() -> None:
    labels, truth = probabilities()
    found = outcomes(binary(labels, truth**2), binary(labels, truth), gate={"proper_margin": 0.5})
    assert found["log_loss"] is Outcome.PASS
    assert outcomes(binary(labels, truth**2), binary(labels, truth))["log_loss"] is Outcome.FAIL


def test_a_metric_far_above_the_champions_is_warned_of() -> None:
    champion = noisy(1000, seed=1)
    assert far_above(evidence(noisy(1000, seed=3), champion)) == ""
    good = binary(champion.truth, np.where(champion.truth == 1, 0.9, 0.1))
    assert "far above the champion's" in far_above(evidence(good, champion))
    assert far_above(evidence(noisy(1000, seed=2, skill=2.2), champion)) == ""
    assert far_above(evidence(good)) == ""


def forests(trees: int, seed: int) -> Scored:
    """Probabilities as a forest of so many trees gives them: shares of votes, some of them 0 for what happens."""
    truth, chance = probabilities(rows=1500)
    votes = np.random.default_rng(seed).binomial(trees, np.clip(chance, 0.005, 0.995)) / trees
    return binary(truth, votes)


def test_equal_forests_are_not_told_apart_by_what_one_of_them_called_impossible() -> None:
    """Seeds fixed: of 20 pairs of equal forests of 30 trees, without a floor most are held."""
    pairs = [(forests(30, 2 * seed), forests(30, 2 * seed + 1)) for seed in range(20)]
    ends = [outcomes(first, second, primary="roc_auc")["log_loss"] for first, second in pairs]
    assert ends.count(Outcome.PASS) >= 18 and Outcome.FAIL not in ends
