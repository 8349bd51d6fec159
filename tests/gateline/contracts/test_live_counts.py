"""Live counts: rows counted in the reference's bins."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from gateline.contracts.reference import (
    ColumnCounts,
    ColumnReference,
    LiveCounts,
    Matured,
    Reference,
    ScoreReference,
    count,
)

REFERENCE = Reference(
    columns={
        "distance": ColumnReference(bins=(1.0, 2.0), shares=(0.2, 0.3, 0.5)),
        "carrier": ColumnReference(categories=("AA", "UA"), shares=(0.5, 0.4, 0.1), missing=0.2),
    },
    scores=ScoreReference(edges=(0.5,), shares=(0.7, 0.3)),
    labels={"0": 0.7, "1": 0.3},
    rows=100,
)


def test_values_are_counted_in_the_references_bins() -> None:
    live = count(
        REFERENCE,
        {"distance": [0.5, 1.0, 2.5, math.nan], "carrier": ["UA", None, "ZZ", "AA"], "seats": [1.0]},
        scores=[0.1, 0.5, 0.9, 0.2],
        labels=["0", "1", "1", "0"],
    )
    assert live.rows == 4
    assert live.columns == {
        "distance": ColumnCounts(counts=(1, 1, 1), missing=1),
        "carrier": ColumnCounts(counts=(1, 1, 1), missing=1),
    }
    assert (live.scores, live.labels) == ((2, 2), {"0": 2, "1": 2})


def test_nothing_seen_is_zero_everywhere() -> None:
    live = count(REFERENCE, {"distance": []})
    assert (live.rows, live.columns["distance"].counts, live.scores) == (0, (0, 0, 0), (0, 0))


def test_counts_survive_json() -> None:
    live = LiveCounts(rows=2, matured=(Matured(score=0.2, predicted="0", actual="1", count=2),), release="d" * 64)
    assert LiveCounts.model_validate_json(live.model_dump_json()) == live


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        ColumnCounts(counts=(-1, 2))
