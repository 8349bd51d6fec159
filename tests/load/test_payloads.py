"""Payloads keep to the schema, in every prefix of the sequence."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

from gateline.contracts import schema as schemas
from gateline.contracts.reference import ColumnReference, Reference, ScoreReference
from load.traffic import Payloads

SCHEMA = schemas.parse(
    {
        "target": "late",
        "columns": [
            {"name": "hour", "dtype": "integer", "minimum": 0, "maximum": 23},
            {"name": "distance", "dtype": "number", "minimum": -1.5, "maximum": 1.5, "nullable": 0.25},
            {"name": "dest", "dtype": "string", "pattern": "[A-Z]{3}"},
            {"name": "carrier", "dtype": "string", "categories": ["AA", "UA"], "nullable": 0.01},
            {"name": "seats", "dtype": "integer", "minimum": 0, "maximum": 3, "sentinels": [0]},
            {"name": "day", "dtype": "datetime"},
            {"name": "night", "dtype": "boolean"},
            {"name": "late", "dtype": "integer", "categories": [0, 1]},
        ],
    }
)


def _rows(count: int, seed: int = 0) -> list[list[Any]]:
    return [json.loads(body)["features"] for body in islice(Payloads(SCHEMA, seed), count)]


def test_equal_seeds_give_equal_bodies_and_others_do_not() -> None:
    assert list(islice(Payloads(SCHEMA, 7), 50)) == list(islice(Payloads(SCHEMA, 7), 50))
    assert _rows(50, 7) != _rows(50, 8)


def test_values_keep_to_type_range_pattern_categories_and_sentinels() -> None:
    for hour, distance, dest, carrier, seats, day, night in _rows(500):
        assert isinstance(hour, int) and 0 <= hour <= 23
        assert distance is None or -1.5 <= distance <= 1.5
        assert re.fullmatch("[A-Z]{3}", dest)
        assert carrier in ("AA", "UA", None)
        assert seats in (1, 2, 3)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", day)
        assert isinstance(night, bool)


def test_the_target_is_no_part_of_a_request() -> None:
    assert {len(row) for row in _rows(10)} == {7}


def test_no_prefix_misses_more_than_the_share_allows_and_missing_values_do_come() -> None:
    rows = _rows(1000)
    for column, share in ((1, 0.25), (3, 0.01)):
        missing = 0
        for made, row in enumerate(rows, start=1):
            missing += row[column] is None
            assert missing <= share * made
        assert missing > share * 1000 / 2
    assert not any(row[0] is None for row in rows)


def test_with_a_reference_rows_are_drawn_as_its_training_rows_were_distributed() -> None:
    hour = ColumnReference(bins=(7.0, 9.0), shares=(0.0, 1.0, 0.0))
    scores = ScoreReference(edges=(), shares=(1.0,))
    reference = Reference(columns={"hour": hour}, scores=scores, rows=100)
    rows = [json.loads(body)["features"] for body in islice(Payloads(SCHEMA, 3, reference), 200)]
    assert {row[0] for row in rows} == {7, 8}
    assert {row[4] for row in rows} == {1, 2, 3}, "what the reference does not know is drawn from the schema"
    assert rows == [json.loads(body)["features"] for body in islice(Payloads(SCHEMA, 3, reference), 200)]
