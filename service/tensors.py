"""Tensors of the Open Inference Protocol: their elements in JSON, and in the binary tensor extension.

The protocol: https://github.com/kserve/open-inference-protocol. The extension is described in Triton's documentation under
'Binary Tensor Data Extension': little-endian, row-major, without gaps; each element of BYTES after its length in four bytes.
"""

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from service.columns import shown
from service.refusals import Refusal

BYTES = "BYTES"
CODES = {
    "BOOL": "?", "FP16": "e", "FP32": "f", "FP64": "d",
    "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
}  # fmt: skip
"""What `struct` calls the elements of a fixed size."""
DATATYPES = (BYTES, *CODES)
LENGTH = struct.Struct("<I")
WORDS = {"BOOL": "true, false or null", BYTES: "text, a number, true, false or null"}
NUMBER = "a number or null"
JSON_TEXT = {"content_type": "pd_json"}
"""What MLServer's clients call BYTES whose elements are each JSON; ours are, where a tensor has no other datatype for them."""
Element = str | int | float | bool | None


@dataclass(frozen=True)
class Tensor:
    """One tensor with its elements in row-major order; its shape is [n] or [n, k]."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: Sequence[Any]
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"input {shown(self.name)}"


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> list[Element]:
    """Return the elements of a tensor's `data`, nested as its shape or flat. NaN stays. Raises Refusal (422)."""
    where = f"input {shown(name)}"
    if not isinstance(data, list):
        raise Refusal(422, f"{where}: data is {shown(data)}; allowed: a list")
    nested = len(shape) > 1 and any(isinstance(one, list) for one in data)
    flat = list(chain.from_iterable(one if isinstance(one, list) else (one,) for one in data)) if nested else data
    if len(flat) != math.prod(shape):
        wanted = f"{math.prod(shape)}, as its shape {list(shape)} says"
        raise Refusal(422, f"{where}: data holds {len(flat)} elements; allowed: {wanted}")
    for place, element in enumerate(flat):
        if not _is_of(datatype, element):
            raise Refusal(422, f"{where}: element {place} is {shown(element)}; allowed: {WORDS.get(datatype, NUMBER)}")
    return flat


def _is_of(datatype: str, element: Any) -> bool:
    if element is None:
        return True
    if datatype == "BOOL":
        return isinstance(element, bool)
    if datatype == BYTES:
        return isinstance(element, str | int | float)
    return isinstance(element, int | float) and not isinstance(element, bool)


def from_bytes(name: str, datatype: str, shape: tuple[int, ...], data: bytes) -> Sequence[Element]:
    """Return the elements of a tensor's binary data. Raises Refusal (422) where it has another size, or text is not UTF-8."""
    count, where = math.prod(shape), f"input {shown(name)}"
    if datatype == BYTES:
        return _texts(where, count, data)
    layout = struct.Struct(f"<{count}{CODES[datatype]}")
    if layout.size != len(data):
        size = f"{layout.size}, as {datatype} and its shape {list(shape)} say"
        raise Refusal(422, f"{where}: binary_data_size is {len(data)}; allowed: {size}")
    return layout.unpack(data)


def _texts(where: str, count: int, data: bytes) -> list[str]:
    texts: list[str] = []
    place = 0
    while place < len(data) and len(texts) <= count:
        start = place + LENGTH.size
        if start > len(data) or (place := start + LENGTH.unpack_from(data, start - LENGTH.size)[0]) > len(data):
            allowed = "four bytes of length, then so many"
            raise Refusal(422, f"{where}: element {len(texts)} ends after the binary data; allowed: {allowed}")
        try:
            texts.append(data[start:place].decode())
        except UnicodeDecodeError:
            raise Refusal(422, f"{where}: element {len(texts)} is not UTF-8; allowed: text in UTF-8") from None
    if len(texts) != count:
        found = len(texts) if len(texts) < count else f"more than {count}"
        raise Refusal(422, f"{where}: the binary data holds {found} elements; allowed: {count}, as its shape says")
    return texts


def to_bytes(tensor: Tensor) -> bytes:
    """Return a tensor's elements as binary data."""
    if tensor.datatype != BYTES:
        return struct.pack(f"<{len(tensor.elements)}{CODES[tensor.datatype]}", *tensor.elements)
    encoded = [element.encode() for element in tensor.elements]
    return b"".join(chain.from_iterable((LENGTH.pack(len(one)), one) for one in encoded))


def of_values(name: str, values: Sequence[Any], declared: str = "") -> Tensor:
    """Return values as a tensor of shape [n]: of the datatype that is `declared` where it can hold them all, else of another
    one; of BYTES, each element as JSON, where no other can."""
    for datatype in filter(None, (declared, "BOOL", "INT64", "FP64", BYTES)):
        if all(_fits(datatype, value) for value in values):
            return Tensor(name, datatype, (len(values),), values)
    return of_json(name, values)


def of_json(name: str, values: Sequence[Any]) -> Tensor:
    """Return values of any kind as a tensor of shape [n]. Raises ValueError for a number that JSON does not know."""
    texts = [json.dumps(value, ensure_ascii=False, allow_nan=False) for value in values]
    return Tensor(name, BYTES, (len(values),), texts, JSON_TEXT)


def _fits(datatype: str, value: Any) -> bool:
    if datatype == "FP64":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if datatype == "INT64":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, bool if datatype == "BOOL" else str)
