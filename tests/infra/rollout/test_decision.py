"""The decision is a pure function of verdict and time."""

from __future__ import annotations

import pytest

from gateline.contracts.verdict import Outcome, Rule, Verdict
from infra.rollout.watch import Step, next_step


def verdict(*outcomes: Outcome, required: bool = True) -> Verdict:
    rules = [Rule(name=f"r{n}", outcome=outcome, reason="", required=required) for n, outcome in enumerate(outcomes)]
    return Verdict.of("canary", rules)


@pytest.mark.parametrize(
    ("outcomes", "elapsed", "step"),
    [
        ((Outcome.FAIL, Outcome.PASS), 1.0, Step.ROLL_BACK),
        ((Outcome.FAIL, Outcome.INCONCLUSIVE), 999.0, Step.ROLL_BACK),
        ((Outcome.PASS,), 1.0, Step.PROMOTE),
        ((Outcome.PASS, Outcome.INCONCLUSIVE), 1.0, Step.WATCH),
        ((Outcome.PASS, Outcome.INCONCLUSIVE), 60.0, Step.HOLD),
        ((), 1.0, Step.WATCH),
        ((), 60.0, Step.HOLD),
    ],
)
def test_next_step(outcomes: tuple[Outcome, ...], elapsed: float, step: Step) -> None:
    assert next_step(verdict(*outcomes), elapsed, 60.0) is step


def test_what_is_not_required_does_not_hold_a_canary() -> None:
    mixed = Verdict.of(
        "canary",
        [
            Rule(name="errors", outcome=Outcome.PASS, reason="", required=True),
            Rule(name="latency", outcome=Outcome.INCONCLUSIVE, reason=""),
        ],
    )
    assert next_step(mixed, 1.0, 60.0) is Step.PROMOTE
