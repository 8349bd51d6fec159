"""The baseline gets as much traffic as the canary, and stable the rest."""

from __future__ import annotations

import pytest

from contracts.slots import Slot
from infra.rollout.canary import shares


@pytest.mark.parametrize(("canary", "baseline"), [(0.1, 0.1), (0.05, 0.05), (0.3, 0.3), (0.5, 0.25)])
def test_shares_add_up_and_stable_keeps_at_least_the_baselines(canary: float, baseline: float) -> None:
    given = shares(canary)
    assert given[Slot.CANARY] == canary and given[Slot.BASELINE] == pytest.approx(baseline)
    assert sum(given.values()) == pytest.approx(1.0)
    assert given[Slot.STABLE] >= given[Slot.BASELINE] - 1e-12
