"""Bins of the reference statistics: edges belong to the bin above, and nothing falls outside."""

from __future__ import annotations

import math

import pytest

from gateline.contracts.reference import ColumnReference, ScoreReference


@pytest.mark.parametrize(
    ("value", "place"),
    [(-9.0, 0), (0.99, 0), (1.0, 1), (1.5, 1), (2.0, 2), (math.inf, 2), (math.nan, None), (None, None)],
)
def test_numbers_fall_between_inner_edges(value: float | None, place: int | None) -> None:
    assert ColumnReference(bins=(1.0, 2.0), shares=(0.2, 0.3, 0.5)).index(value) == place


@pytest.mark.parametrize(("value", "place"), [("a", 0), ("b", 1), ("new", 2), (None, None)])
def test_unknown_strings_share_the_last_bin(value: str | None, place: int | None) -> None:
    assert ColumnReference(categories=("a", "b"), shares=(0.5, 0.5, 0.0)).index(value) == place


def test_scores_fall_between_inner_edges() -> None:
    assert [ScoreReference(edges=(0.5,), shares=(0.5, 0.5)).index(score) for score in (0.0, 0.5, 1.0)] == [0, 1, 1]
