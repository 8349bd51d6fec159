"""Each replica of the baseline gets as much traffic as the canary, and stable the rest."""

from __future__ import annotations

import pytest

from gateline.contracts.slots import Slot
from infra.rollout.canary import baseline_replicas, shares


@pytest.mark.parametrize(
    ("canary", "replicas", "baseline"),
    [(0.1, 2, 0.2), (0.05, 2, 0.1), (0.25, 2, 0.5), (0.3, 1, 0.3), (0.5, 1, 0.25), (0.9, 1, 0.05)],
)
def test_shares_add_up_and_stable_keeps_at_least_a_baseline_replicas(
    canary: float, replicas: int, baseline: float
) -> None:
    given = shares(canary)
    assert baseline_replicas(canary) == replicas
    assert given[Slot.CANARY] == canary and given[Slot.BASELINE] == pytest.approx(baseline)
    assert sum(given.values()) == pytest.approx(1.0)
    assert given[Slot.STABLE] >= given[Slot.BASELINE] / replicas - 1e-12
