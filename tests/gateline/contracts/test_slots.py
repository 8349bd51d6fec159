"""Counters of two slots add up."""

from __future__ import annotations

from gateline.contracts.slots import SlotMetrics


def test_plus_adds_every_counter() -> None:
    one = SlotMetrics(frozenset({"a"}), 10, 1, 0.5, {0.1: 4, 1.0: 10}, {"yes": 3}, 11, 2)
    other = SlotMetrics(frozenset({"b"}), 5, 2, 0.25, {0.1: 1, 2.0: 5}, {"no": 5}, 6, 3)
    assert one.plus(other) == SlotMetrics(
        frozenset({"a", "b"}), 15, 3, 0.75, {0.1: 5, 1.0: 10, 2.0: 5}, {"yes": 3, "no": 5}, 17, 5
    )
