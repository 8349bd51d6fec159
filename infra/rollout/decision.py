"""What a canary does next: a pure function of what was seen."""

from __future__ import annotations

from enum import StrEnum

from gateline.contracts.verdict import Outcome, Verdict


class Step(StrEnum):
    """The four things that can come next."""

    WATCH = "watch"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    HOLD = "hold"


def next_step(verdict: Verdict, elapsed: float, deadline: float) -> Step:
    """Fail rolls back at once; pass promotes; what cannot be known is watched on, and held at the deadline (seconds)."""
    if verdict.outcome is Outcome.FAIL:
        return Step.ROLL_BACK
    if verdict.outcome is Outcome.PASS:
        return Step.PROMOTE
    return Step.HOLD if elapsed >= deadline else Step.WATCH
