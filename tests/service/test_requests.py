"""The generated request model reads three forms and refuses the rest by field, value and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateline.contracts import samples
from gateline.contracts import schema as schemas
from service.refusals import Refusal
from service.requests import Requests
from tests.service.bundles import NAMED, ROW, schema

TYPED = ["AA", "JFK", 17.0, 12.5, None, False, 1370088000.0]


@pytest.fixture(scope="module")
def requests() -> Requests:
    return Requests(schema(), 3, ROW)


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def refusal(requests: Requests, content: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        requests.parse(content)
    return caught.value


def test_a_row_in_order_and_by_name_are_the_same(requests: Requests) -> None:
    for features in (ROW, NAMED, dict(reversed(NAMED.items()))):
        asked = requests.parse(body({"features": features}))
        assert (asked.rows, asked.single) == ([TYPED], True)


def test_many_rows_keep_their_order(requests: Requests) -> None:
    asked = requests.parse(body({"rows": [NAMED, NAMED | {"hour": 3}]}))
    assert [row[2] for row in asked.rows] == [17.0, 3.0]
    assert not asked.single


def test_every_row_made_from_the_schema_is_understood(requests: Requests) -> None:
    for row in samples.rows(schema(), 50, seed=5):
        assert requests.parse(body({"features": row})).rows == [requests.typed_row(row)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hour": 24}, "features.hour is 24; allowed: a whole number from 0 to 23"),
        ({"hour": 1.5}, "features.hour is 1.5; allowed: a whole number from 0 to 23"),
        ({"hour": None}, "features.hour is null; allowed: a whole number from 0 to 23"),
        ({"carrier": "ZZ"}, 'features.carrier is "ZZ"; allowed: one of "AA", "B6", "UA"'),
        ({"dest": "jfk"}, 'features.dest is "jfk"; allowed: text that matches [A-Z]{3}, or null'),
        ({"delay": 1e308}, "features.delay is 1e+308; allowed: a number from -3.4028234663852886e+38"),
        ({"delay": float("nan")}, "features.delay is nan (not finite); allowed: a number"),
        ({"delay": -999}, "features.delay is -999; allowed: a number other than -999"),
        ({"weekend": 1}, "features.weekend is 1; allowed: true or false"),
        ({"booked": "soon"}, 'features.booked is "soon"; allowed: an ISO 8601 date and time'),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_what_is_allowed(
    requests: Requests, change: dict[str, Any], said: str
) -> None:
    found = refusal(requests, body({"features": NAMED | change}))
    assert found.status == 422
    assert found.message.startswith(said)


def test_a_value_in_order_is_named_by_place_and_column(requests: Requests) -> None:
    assert refusal(requests, body({"features": [*ROW[:2], "x", *ROW[3:]]})).message.startswith(
        'features[2] (hour) is "x"'
    )


def test_a_value_in_many_rows_is_named_by_row(requests: Requests) -> None:
    assert refusal(requests, body({"rows": [NAMED, NAMED | {"hour": 99}]})).message.startswith("rows[1].hour is 99")


def test_a_renamed_field_is_missing_and_unknown_with_the_nearest_name(requests: Requests) -> None:
    row = {name: value for name, value in NAMED.items() if name != "carrier"} | {"carier": "AA"}
    message = refusal(requests, body({"features": row})).message
    assert "features.carrier is missing; allowed: one of" in message
    assert "features.carier is not a column of a request; did you mean 'carrier'?" in message


def test_a_missing_value_must_be_written_as_null(requests: Requests) -> None:
    row = {name: value for name, value in NAMED.items() if name != "seats"}
    assert refusal(requests, body({"features": row})).message.startswith("features.seats is missing")


@pytest.mark.parametrize("name", ["late", "flight"])
def test_neither_target_nor_key_is_a_feature(requests: Requests, name: str) -> None:
    assert f"features.{name} is not a column" in refusal(requests, body({"features": NAMED | {name: 1}})).message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "features is missing; allowed: an object with 'features'"),
        ([], "the body is []; allowed: an object"),
        (None, "the body is null; allowed: an object"),
        ({"features": 1}, "features is 1; allowed: an object"),
        ({"feature": ROW}, "feature is not known; did you mean 'features'?"),
        ({"features": ROW, "rows": [NAMED]}, "features and rows stand side by side"),
        ({"features": [*ROW, 1]}, "features holds 8 values; allowed: 7, in this order: carrier, dest"),
        ({"features": ROW[:-1]}, "features[6] (booked) is missing"),
        ({"rows": []}, "rows holds 0 rows; allowed: 1 to 3"),
        ({"rows": [NAMED] * 4}, "rows holds 4 rows; allowed: 1 to 3"),
        ({"rows": NAMED}, "rows is {"),
        ({"rows": [ROW]}, 'rows[0] is ["AA"'),
    ],
)
def test_a_wrong_form_is_named(requests: Requests, content: Any, said: str) -> None:
    found = refusal(requests, body(content))
    assert found.status == 422
    assert said in found.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "not JSON that can be read"),
        (b'{"features": [1,]}', "not JSON that can be read"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"features": [' + b"9" * 10_000 + b"]}", "out of range"),
        (b'{"features": ["\xff"]}', "not UTF-8: byte 15 is 0xff"),
        (b"\xef\xbb\xbf" + body({"features": ROW}), "begins with a byte order mark (U+FEFF, three bytes"),
        (json.dumps({"features": ROW}).encode("utf-16"), "begins with a byte order mark (U+FEFF, of UTF-16)"),
        (b'{"features": ["\\ud800"]}', "not JSON that can be read"),
    ],
)
def test_what_is_no_json_is_a_bad_request(requests: Requests, content: bytes, said: str) -> None:
    found = refusal(requests, content)
    assert found.status == 400
    assert said in found.message


def test_ten_problems_are_named_and_the_rest_counted(requests: Requests) -> None:
    bad: dict[str, list[int]] = {name: [] for name in NAMED}
    message = refusal(requests, body({"rows": [bad, bad, bad]})).message
    assert message.count("rows[") == 10
    assert message.endswith("and 11 more")


def test_a_flood_of_problems_is_counted_alone(requests: Requests) -> None:
    message = refusal(requests, body({"features": {str(number): 0 for number in range(21_000)}})).message
    assert message.startswith("the body has 21007 problems, too many to name")


def test_a_huge_name_is_cut(requests: Requests) -> None:
    assert len(refusal(requests, body({"features": NAMED | {"x" * 100_000: 0}})).message) < 400


@pytest.mark.parametrize("name", ["copy", "class", "model_fields", "features", "_private", "a b", "array", "é"])
def test_a_column_may_have_any_name(name: str) -> None:
    requests = Requests(schemas.parse({"columns": [{"name": name, "dtype": "number"}]}), 3, [1])
    assert requests.parse(body({"features": {name: 2}})).rows == [[2.0]]
    assert f"features.{name} is null" in refusal(requests, body({"features": {name: None}})).message


def test_the_openapi_schema_shows_columns_and_closes_the_row(requests: Requests) -> None:
    request, components = requests.json_schema()
    row = components["Row"]
    assert request["oneOf"] == [{"$ref": "#/components/schemas/OneRow"}, {"$ref": "#/components/schemas/ManyRows"}]
    assert list(row["properties"]) == list(NAMED)
    assert row["required"] == list(NAMED)
    assert row["additionalProperties"] is False
    assert row["properties"]["hour"] | {"title": ""} == {
        "type": "integer",
        "minimum": 0,
        "maximum": 23,
        "description": "a whole number from 0 to 23",
        "examples": [17],
        "title": "",
    }
    assert row["properties"]["carrier"]["description"] == "Airline"
    assert components["ManyRows"]["properties"]["rows"]["maxItems"] == 3


def test_the_examples_are_answered(requests: Requests) -> None:
    for example in requests.examples().values():
        assert requests.parse(body(example)).rows == [TYPED]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (body({"features": NAMED}).replace(b'"hour"', b'"hour": 1, "hour"'), "hour"),
        (body({"features": NAMED}).replace(b'"hour"', b'"hour": 17, "hour"'), "hour"),
        (body({"rows": [NAMED, NAMED]}).replace(b'"delay"', b'"delay": 1, "delay"', 1), "delay"),
        (b'{"features": 1, ' + body({"features": ROW})[1:], "features"),
        (body({"features": NAMED}).replace(b'"hour"', b'"ho\\u0075r": 1, "hour"'), "hour"),
    ],
    ids=["another value", "equal", "of many rows", "at the top", "written otherwise"],
)
def test_a_name_that_stands_twice_is_refused(requests: Requests, content: bytes, name: str) -> None:
    found = refusal(requests, content)
    assert found.status == 422
    assert found.message == f'"{name}" stands twice in one object; allowed: each name once'


def test_colons_in_values_are_no_names() -> None:
    requests = Requests(schemas.parse({"columns": [{"name": "a:b", "dtype": "string"}]}), 3, ["x"])
    assert requests.parse(body({"features": {"a:b": '"a:b": :::'}})).rows == [['"a:b": :::']]


def test_what_cannot_be_seen_is_written_out(requests: Requests) -> None:
    said = refusal(requests, body({"features": NAMED | {"carrier": "\ufeffAA", "\u200bhour": 1}})).message
    assert '"\\ufeffAA"' in said and "features.\\u200bhour is not a column" in said


CHANGED = schemas.parse(
    {
        "columns": [
            {"name": "size", "dtype": "number"},
            {"name": "colour", "dtype": "string", "categories": ["red", "blue"], "was": "color"},
            {"name": "since", "dtype": "datetime", "default": "1970-01-01T00:01:00Z"},
            {"name": "seats", "dtype": "integer", "nullable": 0.1, "default": None},
        ],
        "ignored": ["weight", "features"],
    }
)


@pytest.fixture(scope="module")
def changed() -> Requests:
    return Requests(CHANGED, 3, [1.5, "red", "2025-03-14T00:00:00Z", 4])


@pytest.mark.parametrize(
    ("features", "row"),
    [
        ({"size": 1, "colour": "red", "since": "1970-01-01", "seats": 4}, [1.0, "red", 0.0, 4.0]),
        ({"size": 1, "color": "red", "weight": 80}, [1.0, "red", 60.0, None]),
        ({"seats": 4, "color": "blue", "size": 2}, [2.0, "blue", 60.0, 4.0]),
        ({"size": 1, "colour": "red", "weight": {"a": [1, {}]}, "features": None}, [1.0, "red", 60.0, None]),
        ([1, "red"], [1.0, "red", 60.0, None]),
        ([1, "red", "1970-01-01"], [1.0, "red", 0.0, None]),
        ([1, "red", "1970-01-01", 4], [1.0, "red", 0.0, 4.0]),
    ],
    ids=["as it is now", "as before", "any order", "ignored, whatever it is", "list as before", "one more", "all"],
)
def test_a_changed_schema_takes_what_clients_still_send(changed: Requests, features: Any, row: list[Any]) -> None:
    assert changed.parse(body({"features": features})).rows == [row]
    if isinstance(features, dict):
        assert changed.parse(body({"rows": [features, features]})).rows == [row, row]


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ({"size": 1}, 'features.colour is missing; allowed: one of "red", "blue"'),
        ({"size": 1, "color": "green"}, 'features.color is "green"; allowed: one of "red", "blue"'),
        ({"size": 1, "color": "red", "colour": "red"}, "features.color is the former name of 'colour', which is given too"),
        ({"size": 1, "color": "red", "seats": 1.5}, "features.seats is 1.5; allowed: a whole number, or null"),
        ({"size": 1, "color": "red", "weigth": 1}, "features.weigth is not a column of a request"),
        ([1], "features[1] (colour) is missing"),
        ([1, "red", "1970-01-01", 4, 5], "features holds 5 values; allowed: 4"),
        ([1, "green", "1970-01-01"], 'features[1] (colour) is "green"'),
    ],
)
def test_a_changed_schema_refuses_all_else(changed: Requests, features: Any, said: str) -> None:
    found = refusal(changed, body({"features": features}))
    assert found.status == 422 and found.message.startswith(said)


def test_names_that_stand_twice_are_found_besides_those_left_out(changed: Requests) -> None:
    content = b'{"features": {"size": 1, "size": 2, "colour": "red"}}'
    assert '"size" stands twice' in refusal(changed, content).message
    assert '"x" stands twice' in refusal(changed, content.replace(b'"size": 1', b'"weight": {"x": 1, "x": 1}')).message


def test_the_openapi_schema_tells_what_may_be_left_out_and_what_is_of_yesterday(changed: Requests) -> None:
    row = changed.json_schema()[1]["Row"]
    assert row["required"] == ["size"]
    assert row["allOf"] == [{"oneOf": [{"required": ["colour"]}, {"required": ["color"]}]}]
    assert (row["properties"]["since"]["default"], row["properties"]["seats"]["default"]) == ("1970-01-01T00:01:00Z", None)
    deprecated = [name for name, column in row["properties"].items() if column.get("deprecated")]
    assert deprecated == ["weight", "features", "color"]
