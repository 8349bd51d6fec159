"""Rows made from the schema hold to it, and reach its edges."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateline.contracts.samples import edges, rows
from gateline.contracts.schema import Schema, parse
from gateline.settings.errors import UsageError

COLUMNS: list[dict[str, Any]] = [
    {"name": "count", "dtype": "integer", "minimum": -3, "maximum": 4, "sentinels": [0]},
    {"name": "size", "dtype": "number", "minimum": 0.25, "maximum": 0.75, "nullable": 0.3},
    {"name": "free", "dtype": "number"},
    {"name": "code", "dtype": "string", "pattern": "^[A-Z]{3}-[0-9]+$"},
    {"name": "colour", "dtype": "string", "categories": ["red", "blue"], "nullable": 0.3},
    {"name": "word", "dtype": "string"},
    {"name": "open", "dtype": "boolean"},
    {"name": "when", "dtype": "datetime"},
    {"name": "y", "dtype": "integer"},
]


def schema(*columns: dict[str, Any]) -> Schema:
    return parse({"columns": [*(columns or COLUMNS[:-1]), COLUMNS[-1]], "target": "y"})


def test_every_row_holds_to_the_schema() -> None:
    for count, size, free, code, colour, word, is_open, when in rows(schema(), 300, seed=4):
        assert isinstance(count, int) and -3 <= count <= 4 and count != 0
        assert size is None or (isinstance(size, float) and 0.25 <= size <= 0.75)
        assert isinstance(free, float) and isinstance(word, str) and word.isalpha()
        assert isinstance(code, str) and re.fullmatch("[A-Z]{3}-[0-9]+", code)
        assert colour in (None, "red", "blue") and isinstance(is_open, bool)
        assert isinstance(when, str) and re.fullmatch(r"20[0-9]{2}-.*T.*Z", when)


def test_edges_come_first_and_missing_values_are_among_them() -> None:
    columns = list(zip(*rows(schema(), 20), strict=True))
    assert {-3, 4} <= set(columns[0])
    assert {None, 0.25, 0.75} <= set(columns[1])
    assert set(columns[4]) == {None, "red", "blue"} and set(columns[6]) == {True, False}
    assert not any(None in columns[place] for place in (0, 2, 3, 5, 6, 7))


def test_the_same_seed_makes_the_same_rows_and_another_does_not() -> None:
    assert rows(schema(), 30, seed=1) == rows(schema(), 30, seed=1) != rows(schema(), 30, seed=2)
    assert len(rows(schema(), 7)) == 7 and rows(schema(), 0) == []


def test_missing_values_come_about_as_often_as_allowed() -> None:
    sizes = [row[1] for row in rows(schema(), 2000, seed=1)]
    assert sizes.count(None) / 2000 == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("bounds", "low", "high"), [({"minimum": 500}, 500, 600), ({"maximum": -500}, -600, -500), ({}, 0, 100)]
)
def test_an_open_side_is_drawn_from_a_range_next_to_the_other(bounds: dict[str, int], low: float, high: float) -> None:
    made = schema({"name": "x", "dtype": "number"} | bounds)
    assert edges(made.column("x"))[:2] == [low, high]
    assert all(low <= float(row[0] or 0) <= high for row in rows(made, 50))


def test_a_pattern_that_nothing_can_be_made_for_is_named() -> None:
    made = schema({"name": "x", "dtype": "string", "pattern": "a(?=b)"})
    with pytest.raises(UsageError, match="matches the pattern 'a.*' of column 'x'"):
        rows(made, 5)


def test_a_column_of_sentinels_alone_is_named() -> None:
    made = schema({"name": "x", "dtype": "integer", "minimum": 1, "maximum": 1, "sentinels": [1]})
    with pytest.raises(UsageError, match="column 'x' can be made that is not a sentinel"):
        rows(made, 5)
