"""Encoding of rows: one way from JSON values to what an estimator is given."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.schema import Schema
from gateline.registry.loaded import encode

TYPES = ["string", "number", "integer", "boolean", "datetime"]


def schema() -> Schema:
    """Return one column of each type, named as its type, and a target between them that no row carries."""
    columns = [{"name": name, "dtype": name} for name in TYPES]
    return schemas.parse(
        {"columns": [*columns[:2], {"name": "late", "dtype": "integer"}, *columns[2:]], "target": "late"}
    )


def test_each_type_has_its_encoding() -> None:
    (row,) = encode([["JFK", 1.5, 3, True, "2013-06-01T10:00:00Z"]], schema())
    assert list(row) == ["JFK", 1.5, 3.0, 1.0, datetime(2013, 6, 1, 10, tzinfo=UTC).timestamp()]
    assert [type(value) for value in row] == [str, float, float, float, float]


def test_missing_is_none_for_strings_and_nan_for_all_others() -> None:
    (row,) = encode([[None] * 5], schema())
    assert row[0] is None
    assert all(isinstance(value, float) and math.isnan(value) for value in row[1:])


def test_a_time_without_offset_is_utc_and_one_with_offset_is_moved() -> None:
    rows = encode([["a", 0, 0, False, text] for text in ("2013-06-01T10:00:00", "2013-06-01T12:00:00+02:00")], schema())
    assert rows[0, 4] == rows[1, 4] == datetime(2013, 6, 1, 10, tzinfo=UTC).timestamp()


def test_the_shape_is_rows_by_features_also_for_no_rows() -> None:
    assert encode([], schema()).shape == (0, 5)
    assert encode([["a", 0, 0, True, 0]] * 3, schema()).shape == (3, 5)


@pytest.mark.parametrize("length", [0, 4, 6])
def test_a_row_too_long_or_too_short_is_refused_with_both_numbers(length: int) -> None:
    with pytest.raises(ValueError, match=f"row 1 holds {length} values; the schema has 5 features"):
        encode([["a", 0, 0, True, 0], [None] * length], schema())


@pytest.mark.parametrize(
    ("place", "value"), [(1, "x"), (1, [1]), (1, {}), (2, 10**400), (3, "true"), (4, "yesterday"), (4, ["2013"])]
)
def test_a_value_of_another_type_is_refused_with_row_and_column(place: int, value: Any) -> None:
    row: list[Any] = ["a", 0, 0, True, 0]
    row[place] = value
    with pytest.raises(ValueError, match=f"row 0: '{TYPES[place]}' is no {TYPES[place]}"):
        encode([row], schema())
