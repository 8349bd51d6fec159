"""Each constraint of a column lets through what it allows and stops what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateline.contracts.schema import Column
from service.columns import allowed, annotation, json_schema, posix_seconds, shown


def column(**declared: Any) -> Column:
    return Column.model_validate({"name": "x", **declared})


CASES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"dtype": "integer"}, [0, -3, 17.0, 2**53], [1.5, 3.000000001, 600000000.5, True, "1", None, 2**53 + 2, [], {}]),
    ({"dtype": "integer", "minimum": 0, "maximum": 23}, [0, 23], [-1, 24]),
    ({"dtype": "number"}, [0, 1.5, -3e38], [True, "1.5", None, 1e308, -1e308]),
    ({"dtype": "number", "maximum": 1e300}, [1e299], [1e301]),
    ({"dtype": "number", "minimum": 0.5}, [0.5, 1], [0.4]),
    ({"dtype": "number", "sentinels": (-999,)}, [-998], [-999, -999.0]),
    ({"dtype": "number", "nullable": 0.1, "minimum": 0}, [None, 1], [-1, "null"]),
    ({"dtype": "integer", "categories": (1, 2)}, [1, 2, 2.0], [3, None]),
    ({"dtype": "string"}, ["", "é", "a\n"], [1, None, True, ["a"]]),
    ({"dtype": "string", "categories": ("AA", "B6")}, ["AA"], ["aa", "", None]),
    ({"dtype": "string", "categories": ("AA",), "nullable": 0.5}, ["AA", None], ["B6"]),
    ({"dtype": "string", "pattern": "[A-Z]{3}"}, ["JFK"], ["JFKX", "XJFK", "JFK\n", "jfk"]),
    ({"dtype": "string", "sentinels": ("NA",)}, ["N"], ["NA"]),
    ({"dtype": "boolean"}, [True, False], [0, 1, "true", None]),
    ({"dtype": "datetime"}, ["2013-06-01", "2013-06-01T12:00:00Z"], ["x", 1370088000, None, "2013-13-01"]),
    ({"dtype": "datetime", "minimum": 0}, ["1970-01-01"], ["1969-12-31"]),
    ({"dtype": "datetime", "sentinels": ("1970-01-01",)}, ["1970-01-02"], ["1970-01-01T00:00:00Z"]),
]


@pytest.mark.parametrize(("declared", "good", "bad"), CASES)
def test_values_that_a_column_allows_and_does_not(declared: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation(column(**declared)))
    for value in good:
        adapter.validate_json(json.dumps(value))
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_json(json.dumps(value))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("dtype", ["number", "integer"])
def test_numbers_are_finite(dtype: str, text: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation(column(dtype=dtype, minimum=-1e300, maximum=1e300)))
    with pytest.raises(ValidationError):
        adapter.validate_json(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-01T01:00:00", 3_600.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:00.5Z", 0.5),
    ],
)
def test_times_become_posix_seconds_and_are_utc_without_a_zone(text: str, seconds: float) -> None:
    assert posix_seconds(text) == seconds


def test_the_json_schema_shows_everything_that_is_declared() -> None:
    declared = column(
        dtype="integer", minimum=0, maximum=23, categories=(1, 2), nullable=0.1, sentinels=(-1,), description="Hour"
    )
    assert json_schema(declared, 0) == {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 23,
        "enum": [1, 2, None],
        "not": {"enum": [-1]},
        "description": "Hour",
        "examples": [0],
    }


def test_the_json_schema_anchors_the_pattern_and_describes_what_has_no_description() -> None:
    body = json_schema(column(dtype="string", pattern="A|B"))
    assert body == {"type": "string", "pattern": "^(?:A|B)$", "description": "text that matches A|B"}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"dtype": "integer", "minimum": 0, "maximum": 23}, "a whole number from 0 to 23"),
        ({"dtype": "number", "minimum": 0.5}, "a number from 0.5 on"),
        ({"dtype": "number", "maximum": 2}, "a number up to 2"),
        ({"dtype": "number", "nullable": 0.1, "sentinels": (-999,)}, "a number other than -999, or null"),
        ({"dtype": "string", "categories": ("a", "b")}, 'one of "a", "b"'),
        (
            {"dtype": "integer", "minimum": 0, "maximum": 9, "sentinels": (-1, 9, 10)},
            "a whole number from 0 to 9 other than 9",
        ),
        ({"dtype": "string", "sentinels": ("NA",)}, 'text other than "NA"'),
        ({"dtype": "boolean"}, "true or false"),
    ],
)
def test_what_is_allowed_is_said_in_words(declared: dict[str, Any], words: str) -> None:
    assert allowed(column(**declared)) == words


def test_many_categories_are_counted_not_listed() -> None:
    words = allowed(column(dtype="string", categories=tuple(f"c{number}" for number in range(30))))
    assert '"c19"' in words and '"c20"' not in words and words.endswith("and 10 more")


def test_the_limits_of_an_undeclared_range_are_named_where_they_were_passed() -> None:
    assert "3.4028234663852886e+38" in allowed(column(dtype="number"), beyond=True)
    assert allowed(column(dtype="number")) == "a number"


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == 80
    assert shown("é") == '"é"'
