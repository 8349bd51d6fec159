"""Schema files in both forms, and what is wrong with bad ones, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.schema import Schema, load, parse
from gateline.settings.errors import UsageError

ROOT = Path(__file__).parents[3]
NUMBER = {"name": "x", "dtype": "number"}
TEXT = {"name": "s", "dtype": "string"}


def refusal(raw: Any) -> str:
    with pytest.raises(UsageError) as caught:
        parse(raw, "schema.json")
    return str(caught.value)


def column(**keys: Any) -> str:
    return refusal({"columns": [NUMBER | keys]})


def test_the_plain_form_is_read() -> None:
    schema = parse({"columns": ["a", "b"], "dtypes": {"a": "int64", "b": "object"}, "max_null_percentage": 0.05})
    assert [(c.name, c.dtype, c.nullable) for c in schema.columns] == [("a", "integer", 0.05), ("b", "string", 0.05)]


def test_a_column_declared_in_full_keeps_its_own_share_of_nulls() -> None:
    schema = parse({"columns": [NUMBER | {"nullable": 0.5}, TEXT], "max_null_percentage": 0.05})
    assert [c.nullable for c in schema.columns] == [0.5, 0.05]


@pytest.mark.parametrize(
    ("written", "dtype"),
    [
        ("int32", "integer"),
        ("Int64", "integer"),
        ("float64", "number"),
        ("category", "string"),
        ("bool", "boolean"),
        ("datetime64[ns]", "datetime"),
        ("datetime", "datetime"),
    ],
)
def test_the_names_of_types_that_people_write_are_known(written: str, dtype: str) -> None:
    assert parse({"columns": [{"name": "a", "dtype": written}]}).columns[0].dtype == dtype


def test_features_are_what_is_left_of_target_time_group_key_and_what_is_declared_to_be_none() -> None:
    names = ["id", "when", "who", "a", "y", "b", "note"]
    columns = [{"name": name, "dtype": "number", "key": name == "id", "feature": name != "note"} for name in names]
    schema = parse({"columns": columns}).with_roles(target="y", time="when", group="who")
    assert [c.name for c in schema.features] == ["a", "b"]
    assert schema.target_column.name == "y"


def test_a_schema_comes_back_from_its_own_dump() -> None:
    schema = load(ROOT / "data" / "schema.json").with_roles(target="late", time="time_hour")
    assert parse(json.loads(json.dumps(schema.dump()))) == schema
    assert "nullable" not in schema.dump()["columns"][1]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "holds list; allowed: an object with 'columns'"),
        ({}, "'columns' is None; allowed: a list of names or of objects"),
        ({"columns": []}, "'columns' is []; allowed: at least one entry"),
        ({"columns": [5]}, "'columns' holds 5; allowed: a name or an object"),
        (
            {"columns": ["a"]},
            "'dtypes' names no type for column 'a'; allowed: boolean, datetime, integer, number, string",
        ),
        ({"columns": ["a"], "dtypes": ["a"]}, "'dtypes' is ['a']; allowed: an object of column name and type"),
        (
            {"columns": ["age"], "dtypes": {"age": "int", "aeg": "int"}},
            "'dtypes' names 'aeg', which is no column; did you mean 'age'?",
        ),
        (
            {"columns": [NUMBER], "max_null_percentage": 5},
            "'max_null_percentage' is 5; allowed: a share from 0 to 1 (0.05 is five of a hundred)",
        ),
        (
            {"columns": [NUMBER], "max_null_percentage": True},
            "'max_null_percentage' is True; allowed: a share from 0 to 1",
        ),
        ({"columns": [{"dtype": "number"}]}, "key 'columns.0.name' is missing"),
        ({"columns": [{"name": "x"}]}, "key 'columns.x.dtype' is missing"),
        ({"columns": [NUMBER, NUMBER]}, "a column name stands twice"),
        ({"columns": [NUMBER], "targt": "x"}, "unknown key 'targt'; did you mean 'target'?"),
        ({"columns": [NUMBER], "target": "y"}, "target column 'y' is not declared"),
        ({"columns": [NUMBER, TEXT], "target": "x", "time": "x"}, "target column 'x' is also the time or group column"),
        ({"columns": [NUMBER], "target": "x"}, "no column is left to predict from"),
        ({"columns": [NUMBER], "extra_columns": "alow"}, "'extra_columns' is 'alow'; allowed: 'forbid' or 'allow'"),
    ],
)
def test_a_bad_schema_is_refused_in_words(raw: Any, said: str) -> None:
    assert refusal(raw).startswith(f"schema.json: {said}")
    assert refusal(raw).endswith("\n  next: edit schema.json")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"dtype": "strin"},
            "'columns.x.dtype' is 'strin'; allowed: 'integer', 'number', 'string', 'boolean' or 'datetime'",
        ),
        ({"nulable": 0.1}, "unknown key 'columns.x.nulable'; did you mean 'nullable'?"),
        ({"nullable": 5}, "'columns.x.nullable' is 5; allowed: at most 1"),
        ({"nullable": "0.1"}, "'columns.x.nullable' is '0.1'; allowed: a number"),
        ({"unique": "yes"}, "'columns.x.unique' is 'yes'; allowed: true or false"),
        ({"minimum": 5, "maximum": 3}, "columns.x: minimum 5 is above maximum 3"),
        ({"minimum": float("nan")}, "'columns.x.minimum' is NaN; allowed: a finite number"),
        ({"categories": []}, "columns.x: categories is empty; leave it out or name at least one"),
        ({"categories": [1, 1]}, "columns.x: categories names 1 twice"),
        ({"categories": ["1"]}, "columns.x: categories holds '1', which is no number"),
        ({"dtype": "string", "categories": [1]}, "columns.x: categories holds 1, which is no string"),
        ({"dtype": "string", "minimum": 1}, "columns.x: a string column has no minimum or maximum"),
        ({"pattern": "a"}, "columns.x: pattern is declared, but dtype is 'number'; allowed: for string columns"),
        ({"dtype": "string", "pattern": "("}, "columns.x: pattern '(' is no regular expression: missing )"),
        ({"name": ""}, "'columns..name' is ''; allowed: text that is not empty"),
    ],
)
def test_a_bad_column_is_refused_by_name(keys: dict[str, Any], said: str) -> None:
    assert column(**keys).startswith(f"schema.json: {said}")


@pytest.mark.parametrize(
    "keys",
    [
        {"minimum": 3, "maximum": 3},
        {"categories": [1, 2.5]},
        {"dtype": "string", "categories": ["a"], "pattern": "[a-z]"},
        {"nullable": 1},
    ],
)
def test_what_makes_sense_is_let_through(keys: dict[str, Any]) -> None:
    assert parse({"columns": [NUMBER | keys]}).columns[0].name == "x"


def test_all_faults_are_named_at_once() -> None:
    said = refusal({"columns": [NUMBER | {"nullable": 2}, TEXT | {"uniqe": True}]})
    assert said.splitlines()[0] == "schema.json:"
    assert "columns.x.nullable" in said.splitlines()[1]
    assert "columns.s.uniqe" in said.splitlines()[2]


def test_a_role_the_settings_give_to_an_unknown_column_is_refused() -> None:
    with pytest.raises(UsageError, match="target column 'lat' is not declared; did you mean 'late'") as caught:
        load(ROOT / "data" / "schema.json").with_roles(target="lat")
    assert caught.value.next_step == "change [data] in pipeline.toml, or the schema"


def test_an_undeclared_column_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Schema.model_validate({"columns": (NUMBER,)}).column("y")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON in UTF-8"),
        (b'{"a": "\xe9"}', "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
    ],
)
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        load(path)


def test_a_missing_file_names_the_command_that_proposes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such schema file") as caught:
        load(tmp_path / "schema.json")
    assert "python -m gateline.contracts.schema infer" in caught.value.next_step
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"columns": [NUMBER]}).encode())
    assert load(path).columns[0].name == "x"


COLOUR = {"name": "colour", "dtype": "string", "categories": ["red", "blue"]}


@pytest.mark.parametrize(
    ("column", "default"),
    [
        (COLOUR, "red"),
        (COLOUR | {"nullable": 0.1}, None),
        ({"name": "n", "dtype": "integer", "minimum": 0}, 3),
        ({"name": "n", "dtype": "number"}, 2.5),
        ({"name": "yes", "dtype": "boolean"}, False),
        ({"name": "when", "dtype": "datetime"}, "2025-03-14T00:00:00Z"),
    ],
)
def test_a_column_that_may_be_left_out_says_what_that_means(column: dict[str, Any], default: Any) -> None:
    found = parse({"columns": [column | {"default": default}]})
    again = parse(found.dump())
    assert again == found and again.columns[0].may_be_left_out
    assert found.dump()["columns"][0]["default"] == default
    assert not parse({"columns": [column]}).columns[0].may_be_left_out


@pytest.mark.parametrize(
    ("column", "default", "said"),
    [
        (COLOUR, "green", "which is not among the categories"),
        (COLOUR, None, "the column is never missing"),
        (COLOUR, 1, "which is no string"),
        ({"name": "n", "dtype": "integer"}, 2.5, "which is no integer"),
        ({"name": "n", "dtype": "integer"}, True, "which is no integer"),
        ({"name": "n", "dtype": "number", "maximum": 3}, 4, "outside of the range"),
        ({"name": "n", "dtype": "number", "sentinels": [-1]}, -1, "a sentinel"),
        ({"name": "c", "dtype": "string", "pattern": "[A-Z]+"}, "ab", "does not match the pattern"),
        ({"name": "when", "dtype": "datetime"}, "yesterday", "which is no datetime"),
    ],
)
def test_a_default_that_no_request_may_hold_is_refused(column: dict[str, Any], default: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse({"columns": [column | {"default": default}]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ignored": ["colour"]}, "would be the feature 'colour' and ignored"),
        ({"ignored": ["old", "old"]}, "would be ignored and ignored"),
        ({"columns": [COLOUR | {"was": "size"}, {"name": "size", "dtype": "number"}]}, "the feature 'size' and the former"),
        ({"columns": [COLOUR | {"was": "old"}], "ignored": ["old"]}, "the former name of 'colour' and ignored"),
    ],
)
def test_a_name_in_a_request_means_one_thing(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse({"columns": [COLOUR]} | change)


def test_what_is_no_feature_any_more_may_be_ignored_in_requests() -> None:
    found = parse({"columns": [COLOUR, {"name": "size", "dtype": "number", "feature": False}], "ignored": ["size"]})
    assert [column.name for column in found.features] == ["colour"] and parse(found.dump()) == found
