"""Elements of tensors in JSON and as binary data; NumPy says what the bytes are."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from service import tensors
from service.refusals import Refusal
from service.tensors import CODES, JSON_TEXT, Tensor

NUMPY = {"BOOL": "?", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"} | {
    f"{kind}{bits}": f"<{code}{bits // 8}" for kind, code in (("INT", "i"), ("UINT", "u")) for bits in (8, 16, 32, 64)
}


def test_every_datatype_of_the_protocol_is_known() -> None:
    assert set(CODES) == set(NUMPY)


@pytest.mark.parametrize("datatype", NUMPY)
def test_binary_data_is_what_numpy_makes_of_it(datatype: str) -> None:
    array = np.array([0, 1, 1, 0], dtype=NUMPY[datatype])
    assert list(tensors.from_bytes("x", datatype, (4,), array.tobytes())) == array.tolist()
    assert tensors.to_bytes(Tensor("x", datatype, (4,), array.tolist())) == array.tobytes()


@pytest.mark.parametrize(
    ("datatype", "values"),
    [
        ("INT64", [-(2**63), 2**63 - 1]),
        ("UINT64", [2**64 - 1, 0]),
        ("INT8", [-128, 127]),
        ("FP64", [0.1, -1e308]),
        ("FP32", [struct.unpack("<f", struct.pack("<f", 0.1))[0], 3.4028234663852886e38]),
    ],
)
def test_extreme_numbers_come_back_as_they_were(datatype: str, values: list[float]) -> None:
    data = tensors.to_bytes(Tensor("x", datatype, (2,), values))
    assert data == np.array(values, dtype=NUMPY[datatype]).tobytes()
    assert list(tensors.from_bytes("x", datatype, (2,), data)) == values


def test_texts_have_their_length_before_them() -> None:
    texts = ["", "JFK", "Zürich", "a\x00b"]
    data = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)
    assert tensors.from_bytes("x", "BYTES", (2, 2), data) == texts
    assert tensors.to_bytes(Tensor("x", "BYTES", (2, 2), texts)) == data


BROKEN: dict[str, tuple[str, int, bytes, str]] = {
    "too few numbers": ("FP64", 2, b"\0" * 8, "binary_data_size is 8; allowed: 16"),
    "too many numbers": ("INT32", 1, b"\0" * 8, "binary_data_size is 8; allowed: 4"),
    "too few texts": ("BYTES", 2, b"\1\0\0\0a", "holds 1 elements; allowed: 2"),
    "too many texts": ("BYTES", 1, b"\1\0\0\0a" * 9, "holds more than 1 elements; allowed: 1"),
    "half a length": ("BYTES", 1, b"\1\0", "element 0 ends after the binary data"),
    "a length beyond the end": ("BYTES", 1, b"\xff\xff\xff\xffa", "element 0 ends after the binary data"),
    "no UTF-8": ("BYTES", 1, b"\2\0\0\0\xff\xfe", "element 0 is not UTF-8"),
    "no text at all": ("BYTES", 1, b"", "holds 0 elements; allowed: 1"),
}


@pytest.mark.parametrize(("datatype", "count", "data", "said"), BROKEN.values(), ids=BROKEN)
def test_binary_data_that_is_not_the_tensor_is_refused(datatype: str, count: int, data: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=f'input "x".*{said}') as refused:
        tensors.from_bytes("x", datatype, (count,), data)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "elements"),
    [
        ("FP64", (2,), [1, 2.5], [1, 2.5]),
        ("FP64", (2, 1), [[1], [None]], [1, None]),
        ("FP64", (2, 2), [[1, 2], [3, 4]], [1, 2, 3, 4]),
        ("INT64", (2, 2), [1, 2, 3, 4], [1, 2, 3, 4]),
        ("BOOL", (3,), [True, False, None], [True, False, None]),
        ("BYTES", (1, 5), [["a", 1, 2.5, True, None]], ["a", 1, 2.5, True, None]),
    ],
)
def test_json_is_read_nested_or_flat(datatype: str, shape: tuple[int, ...], data: list[Any], elements: list[Any]) -> None:
    assert tensors.from_json("x", datatype, shape, data) == elements


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "said"),
    [
        ("FP64", (2,), "1, 2", r'data is "1, 2"; allowed: a list'),
        ("FP64", (2,), [1], r"data holds 1 elements; allowed: 2, as its shape \[2\] says"),
        ("FP64", (2, 2), [[1, 2], [3]], "data holds 3 elements; allowed: 4"),
        ("FP64", (1,), [[1]], r"element 0 is \[1\]; allowed: a number or null"),
        ("FP64", (1, 1), [[[1]]], r"element 0 is \[1\]; allowed: a number or null"),
        ("FP64", (2,), [1, "2"], 'element 1 is "2"; allowed: a number or null'),
        ("INT64", (1,), [True], "element 0 is true; allowed: a number or null"),
        ("BOOL", (1,), [1], "element 0 is 1; allowed: true, false or null"),
        ("BYTES", (1,), [{}], "element 0 is {}; allowed: text"),
    ],
)
def test_json_that_is_not_the_tensor_is_refused(datatype: str, shape: tuple[int, ...], data: Any, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        tensors.from_json("x", datatype, shape, data)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("values", "declared", "datatype", "elements"),
    [
        ([1, 0], "INT64", "INT64", [1, 0]),
        ([1, 0.5], "INT64", "FP64", [1, 0.5]),
        ([1, 2], "FP64", "FP64", [1, 2]),
        ([True, False], "INT64", "BOOL", [True, False]),
        (["a", "b"], "", "BYTES", ["a", "b"]),
        ([2**63], "INT64", "FP64", [2**63]),
        (["a", 1, None], "INT64", "BYTES", ['"a"', "1", "null"]),
        ([{"why": "ä"}], "FP64", "BYTES", ['{"why": "ä"}']),
    ],
)
def test_values_get_the_datatype_that_holds_them(values: list[Any], declared: str, datatype: str, elements: list[Any]) -> None:
    tensor = tensors.of_values("x", values, declared)
    assert (tensor.datatype, list(tensor.elements), tensor.shape) == (datatype, elements, (len(values),))
    assert tensor.parameters == (JSON_TEXT if elements != values else {})
