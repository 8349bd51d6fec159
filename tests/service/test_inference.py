"""Requests of the Open Inference Protocol, from bytes to rows by column name."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.schema import Schema
from service.inference import Inference, read
from service.refusals import Refusal

SCHEMA = schemas.parse({
    "columns": [
        {"name": "carrier", "dtype": "string", "nullable": 0.1},
        {"name": "gate", "dtype": "string"},
        {"name": "hour", "dtype": "integer", "was": "time"},
        {"name": "weekend", "dtype": "boolean", "nullable": 0.1},
        {"name": "booked", "dtype": "datetime", "nullable": 0.1},
        {"name": "late", "dtype": "integer"},
    ],
    "target": "late",
    "ignored": ["tail"],
})  # fmt: skip
NUMBERS = schemas.parse({
    "columns": [*({"name": name, "dtype": "number"} for name in "abc"), {"name": "y", "dtype": "number"}], "target": "y",
})  # fmt: skip
WHEN = "2013-06-01T12:00:00Z"


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None, **parameters: Any) -> dict[str, Any]:
    body = {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}
    return body | ({"parameters": parameters} if parameters else {})


COLUMNS = [
    tensor("carrier", "BYTES", ["AA", None]),
    tensor("gate", "BYTES", [["A1"], [""]], [2, 1]),
    tensor("hour", "INT32", [17, 18]),
    tensor("weekend", "BOOL", [True, None]),
    tensor("booked", "BYTES", [WHEN, ""], content_type="datetime"),
]
ROWS = [
    {"carrier": "AA", "gate": "A1", "hour": 17, "weekend": True, "booked": WHEN},
    {"carrier": None, "gate": "", "hour": 18, "weekend": None, "booked": None},
]


def given(inputs: list[Any], schema: Schema = SCHEMA, **more: Any) -> Inference:
    return read(json.dumps({"inputs": inputs} | more).encode(), "", schema, 1000)


def binary(schema: Schema, *inputs: tuple[dict[str, Any], bytes], **more: Any) -> Inference:
    bare = ({key: one[key] for key in one if key != "data"} for one, _ in inputs)
    listed = [one | {"parameters": {"binary_data_size": len(data)}} for one, (_, data) in zip(bare, inputs)]
    head = json.dumps({"inputs": listed} | more).encode()
    return read(head + b"".join(data for _, data in inputs), str(len(head)), schema, 1000)


def packed(*texts: str) -> bytes:
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def test_a_tensor_for_each_column_makes_rows() -> None:
    assert given(COLUMNS).rows == ROWS
    assert given(COLUMNS[::-1]).rows == ROWS


def test_binary_columns_make_the_same_rows() -> None:
    data = (
        packed("AA", ""), packed("A1", ""), struct.pack("<2i", 17, 18), struct.pack("<2d", 1, math.nan), packed(WHEN, ""),
    )  # fmt: skip
    columns = [*COLUMNS[:3], tensor("weekend", "FP64", [1, None]), COLUMNS[4]]
    assert binary(SCHEMA, *zip(columns, data)).rows == ROWS


def test_binary_and_json_columns_stand_side_by_side() -> None:
    inputs = [dict(one) for one in COLUMNS]
    data = packed("A1", "")
    inputs[1] = {"name": "gate", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": inputs}).encode()
    assert read(head + data, str(len(head)), SCHEMA, 10).rows == ROWS


@pytest.mark.parametrize(("datatype", "code"), [("FP64", "d"), ("FP32", "f"), ("INT64", "q")])
def test_one_matrix_of_numbers_makes_rows(datatype: str, code: str) -> None:
    rows = [dict(zip("abc", values)) for values in ((1, 2, 3), (4, 5, 6))]
    for name in ("input-0", "predict", "a"):
        matrix = tensor(name, datatype, [[1, 2, 3], [4, 5, 6]], [2, 3], content_type="np")
        assert given([matrix], NUMBERS).rows == rows
        assert binary(NUMBERS, (matrix, struct.pack(f"<6{code}", *range(1, 7)))).rows == rows


def test_missing_numbers_are_nan_or_null() -> None:
    missing = [{"a": 1.0, "b": None, "c": None}]
    assert given([tensor("x", "FP64", [1.0, None, math.nan], [1, 3])], NUMBERS).rows == missing
    assert binary(NUMBERS, (tensor("x", "FP64", [], [1, 3]), struct.pack("<3d", 1, math.nan, math.nan))).rows == missing


TEXTS = [["AA", "A1", "17", "True", WHEN], ["", "", "18.0", "", "None"], ["nan", "B", "nan", "false", ""]]
READ = [
    {"carrier": "AA", "gate": "A1", "hour": 17.0, "weekend": True, "booked": WHEN},
    {"carrier": None, "gate": "", "hour": 18.0, "weekend": None, "booked": None},
    {"carrier": "nan", "gate": "B", "hour": None, "weekend": False, "booked": None},
]


def test_one_matrix_of_texts_makes_rows() -> None:
    matrix = tensor("x", "BYTES", TEXTS, [3, 5], content_type="str")
    assert given([matrix]).rows == READ
    assert binary(SCHEMA, (matrix, packed(*(text for row in TEXTS for text in row)))).rows == READ


def test_a_matrix_in_json_may_hold_values_of_every_kind() -> None:
    mixed = [["AA", "A1", 17, True, WHEN], [None, "", 18, None, None]]
    assert given([tensor("x", "BYTES", mixed, [2, 5])]).rows == ROWS


@pytest.mark.parametrize("text", ["1_0", "inf", "1e999", "0x10", "ten", "-"])
def test_a_text_that_is_no_number_is_left_to_the_schema(text: str) -> None:
    row = given([tensor("x", "BYTES", ["AA", "A1", text, "true", WHEN], [1, 5])]).rows[0]
    assert row["hour"] == text


def test_a_column_of_text_holds_text() -> None:
    inputs = [*COLUMNS[:2], tensor("hour", "BYTES", ["17", "18"]), *COLUMNS[3:]]
    assert [row["hour"] for row in given(inputs).rows] == ["17", "18"]


def test_json_texts_of_mlserver_are_read() -> None:
    texts = {"carrier": ['"AA"', "null"], "gate": ['"A1"', '""'], "hour": ["17", "18"], "weekend": ["true", "NaN"]}
    inputs = [tensor(name, "BYTES", data, [2, 1], content_type="pd_json") for name, data in texts.items()]
    assert given([*inputs, COLUMNS[4]], parameters={"content_type": "pd"}).rows == ROWS


def test_former_and_ignored_names_are_columns() -> None:
    rows = given([tensor("time", "INT64", [17]), tensor("tail", "BYTES", ["N1"])]).rows
    assert rows == [{"time": 17, "tail": "N1"}]


def test_truth_values_may_be_numbers() -> None:
    kept: list[Any] = [True, False, None, 2.0]
    assert [row["weekend"] for row in given([tensor("weekend", "FP32", [1.0, 0.0, None, 2.0])]).rows] == kept


def test_id_outputs_and_parameters_are_read() -> None:
    outputs: list[dict[str, Any]] = [{"name": "a"}]
    outputs += [{"name": name, "parameters": {"binary_data": wanted}} for name, wanted in (("b", True), ("c", False))]
    asked = given(COLUMNS, id="42", outputs=outputs, parameters={"binary_data_output": True, "priority": 1})
    assert (asked.id, asked.outputs, asked.binary) == ("42", {"a": None, "b": True, "c": False}, True)
    bare = given(COLUMNS, id=None, outputs=None, parameters=None)
    assert (bare.id, bare.outputs, bare.binary) == (None, {}, False)


HOUR = tensor("hour", "INT64", [17])
BODIES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "the body is empty"),
    "no JSON": (b"inputs", 400, "not JSON that can be read"),
    "no UTF-8": (b'{"inputs": "\xff"}', 400, "not UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf{}", 400, "byte order mark"),
    "deep": (b'{"inputs":' + b"[" * 100_000, 400, "not JSON that can be read"),
    "lone surrogate": (rb'{"inputs": "\ud800"}', 400, "not JSON that can be read"),
    "a list": (b"[]", 422, r"the body is \[\]"),
    "a name twice": (b'{"id": "1", "id": "2", "inputs": []}', 422, '"id" stands twice'),
    "a name of an input twice": (
        b'{"inputs": [{"name": "hour", "shape": [1], "datatype": "INT64", "data": [1], "data": [2]}]}',
        422,
        '"data" stands twice',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "said"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_request_is_refused(body: bytes, status: int, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        read(body, "", SCHEMA, 10)
    assert refused.value.status == status


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no inputs": ({}, "inputs is missing"),
    "an empty list": ({"inputs": []}, r"inputs is \[\]; allowed: a list of tensors"),
    "no list": ({"inputs": {}}, "inputs is {}; allowed: a list of tensors"),
    "null": ({"inputs": None}, "inputs is null"),
    "no tensor": ({"inputs": [1]}, r"inputs\[0\] is 1; allowed: an object with a name"),
    "no name": ({"inputs": [{}]}, r"inputs\[0\]: name is null"),
    "no datatype": ({"inputs": [{"name": "hour"}]}, 'input "hour": datatype is null'),
    "an unknown datatype": ({"inputs": [HOUR | {"datatype": "FLOAT"}]}, 'datatype is "FLOAT"'),
    "no shape": ({"inputs": [HOUR | {"shape": None}]}, "shape is null"),
    "no sizes": ({"inputs": [HOUR | {"shape": []}]}, r"shape is \[\]"),
    "a size below zero": ({"inputs": [HOUR | {"shape": [-1]}]}, r"shape is \[-1\]"),
    "a size of true": ({"inputs": [HOUR | {"shape": [True]}]}, r"shape is \[true\]"),
    "a cube": ({"inputs": [HOUR | {"shape": [1, 1, 1]}]}, r"shape is \[1, 1, 1\]; allowed: \[n\] or \[n, columns\]"),
    "no row": ({"inputs": [HOUR | {"shape": [0], "data": []}]}, "holds 0 rows; allowed: 1 to 1000"),
    "too many rows": ({"inputs": [HOUR | {"shape": [10**30]}]}, "rows; allowed: 1 to 1000"),
    "no data": ({"inputs": [{"name": "hour", "datatype": "INT64", "shape": [1]}]}, "neither data nor binary_data_size"),
    "twofold data": ({"inputs": [HOUR | {"parameters": {"binary_data_size": 8}}]}, "has data and binary_data_size"),
    "a size below nothing": ({"inputs": [HOUR | {"parameters": {"binary_data_size": -8}}]}, "binary_data_size is -8"),
    "no parameters": ({"inputs": [HOUR | {"parameters": []}]}, r"parameters is \[\]; allowed: an object"),
    "base64": ({"inputs": [HOUR | {"parameters": {"content_type": "base64"}}]}, 'content_type is "base64"; allowed: np'),
    "an input twice": ({"inputs": [HOUR, HOUR]}, 'input "hour" stands twice'),
    "a stranger": ({"inputs": [HOUR, tensor("gat", "BYTES", ["a"])]}, "\"gat\" is not a column .* did you mean 'gate'"),
    "other rows": (
        {"inputs": [HOUR, tensor("gate", "BYTES", ["a", "b"])]}, 'input "gate" has 2 rows; allowed: 1 as input "hour"'),
    "a wide column": (
        {"inputs": [HOUR, tensor("gate", "BYTES", ["a", "b"], [1, 2])]}, r'input "gate" has shape \[1, 2\]; allowed: \[n\]'),
    "a wide matrix": ({"inputs": [tensor("x", "FP64", [1] * 6, [1, 6])]}, r"allowed: \[n, 5\], in this order: carrier, gate"),
    "a flat matrix": ({"inputs": [tensor("x", "FP64", [1] * 5)]}, r'input "x" has shape \[5\]; allowed: \[n, 5\]'),
    "infinity": ({"inputs": [tensor("hour", "FP64", [math.inf])]}, r"holds inf \(not finite\)"),
    "no JSON text": ({"inputs": [tensor("hour", "BYTES", ["{"], content_type="pd_json")]}, r"JSON of one value \(pd_json\)"),
    "a JSON list": ({"inputs": [tensor("hour", "BYTES", ["[]"], content_type="pd_json")]}, r"JSON of one value \(pd_json\)"),
    "an id of another kind": ({"inputs": [HOUR], "id": 42}, "id is 42; allowed: text"),
    "no outputs": ({"inputs": [HOUR], "outputs": {}}, "outputs is {}"),
    "no flag": (
        {"inputs": [HOUR], "outputs": [{"name": "a", "parameters": {"binary_data": 1}}]}, "binary_data is 1; allowed: true"),
    "no flag for all": (
        {"inputs": [HOUR], "parameters": {"binary_data_output": "yes"}}, 'the request: binary_data_output is "yes"'),
    "classification": (
        {"inputs": [HOUR], "outputs": [{"name": "a", "parameters": {"classification": 3}}]}, "classification is not"),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "said"), FORMS.values(), ids=FORMS)
def test_tensors_that_are_none_are_refused(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        read(json.dumps(request_).encode(), "", SCHEMA, 1000)
    assert refused.value.status == 422


@pytest.mark.parametrize("header", ["-1", "x", "1e3", "9" * 30, "4711", "²"])
def test_a_length_of_the_json_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(Refusal, match="Inference-Header-Content-Length is") as refused:
        read(b"{}", header, SCHEMA, 10)
    assert refused.value.status == 400


def test_binary_data_that_nobody_claims_is_refused() -> None:
    head = json.dumps({"inputs": [HOUR]}).encode()
    with pytest.raises(Refusal, match=r"add up to 0 bytes \(binary_data_size\); allowed: 8"):
        read(head + b"\0" * 8, str(len(head)), SCHEMA, 10)
    with pytest.raises(Refusal, match="add up to 8 bytes"):
        binary_less = {"name": "hour", "datatype": "INT64", "shape": [1], "parameters": {"binary_data_size": 8}}
        given([binary_less])
