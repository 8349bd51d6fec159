"""Ranges never ask for what cannot be."""

from __future__ import annotations

import pytest

from gateline.rows.kinds import natural


@pytest.mark.parametrize(
    ("name", "low", "high", "bounds"),
    [
        ("hour", 0, 23, (0, 23)),
        ("sched_hour", 5, 22, (0, 23)),
        ("hourOfDay", 1, 24, (1, 24)),
        ("hr", 0, 21, (0, 23)),
        ("month", 1, 12, (1, 12)),
        ("mnth", 2, 9, (1, 12)),
        ("birthMonth", 0, 11, (0, 12)),
        ("minute", 0, 55, (0, 59)),
        ("weekday", 0, 6, (0, 6)),
        ("weekday", 1, 7, (1, 7)),
        ("day_of_week", 1, 5, (0, 6)),
        ("dayOfYear", 3, 360, (1, 366)),
        ("day", 1, 30, (1, 31)),
        ("week", 1, 52, (1, 53)),
        ("quarter", 1, 4, (1, 4)),
        ("lat", 40.1, 41.9, (-90, 90)),
        ("pickup_longitude", -74.2, -73.1, (-180, 180)),
        ("open_rate", 0.1, 0.9, (0, 1)),
        ("success ratio", 0.0, 1.0, (0, 1)),
        ("humidity", 30, 97, (0, 100)),
        ("pct_paid", 0.2, 0.9, (0, 1)),
        ("discount_percent", 5, 60, (0, 100)),
        ("age", 18, 80, (0, 120)),
        ("x", 0.01, 1.0, (0, 1)),
    ],
)
def test_a_name_and_the_values_seen_say_what_can_be(name: str, low: float, high: float, bounds: tuple[int, int]) -> None:
    assert natural(name, low, high) == bounds


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("hours_per_week", 1, 99), ("age", 0, 4000), ("exchange_rate", 0.7, 130), ("minutes", 0, 55), ("x", 0.1, 0.9)]
    + [("days_open", 1, 20), ("calls_per_day", 0, 9), ("hours", 0, 20)]
    + [("x", 1, 1), ("month", 0, 240), ("lat", 400_000, 500_000), ("price", 3, 90), ("average", 3, 90)],
)
def test_values_that_do_not_fit_say_that_the_name_means_something_else(name: str, low: float, high: float) -> None:
    assert natural(name, low, high) is None
