"""Inference requests of the Open Inference Protocol, from bytes to rows; what a value may be, `service.requests` judges.

A request carries a tensor for each column, of shape [n] or [n, 1], or all columns in one of shape [n, features].
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from gateline.contracts.schema import Column, Schema
from gateline.settings.errors import did_you_mean
from service import tensors
from service.columns import shown
from service.refusals import LONGEST, Refusal, refused_text, refused_twice
from service.tensors import BYTES, DATATYPES, Element, Tensor

HEADER = "Inference-Header-Content-Length"
"""Of a request or an answer with binary data: how many bytes of JSON come first."""
FORM = "an object with 'inputs', a list of tensors"
CONTENT_TYPES = ("np", "str", "pd", "pd_json", "datetime")
"""What MLServer's clients may say of a tensor: with `pd_json` each element is JSON; the others mean what is there anyway."""
ELSEWHERE = ("shared_memory_region", "classification")
"""Parameters of Triton's clients that ask for something else than the tensor in the body."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NOTHING = ("", "nan", "none", "null")
"""What clients write for a missing value where all they have is text."""
TRUTH = {"true": True, "false": False}
Row = dict[str, Element]
"""Values by column name."""


@dataclass(frozen=True)
class Inference:
    """What one request asks for."""

    rows: list[Row]
    id: str | None = None
    outputs: Mapping[str, bool | None] = field(default_factory=dict)
    """The outputs that it names, and whether each is wanted as binary data; empty for all."""
    binary: bool = False
    """Whether outputs that do not say it are wanted as binary data."""


def read(body: bytes, header: str, schema: Schema, max_rows: int) -> Inference:
    """Return what a request asks for; `header` is the value of `HEADER`, empty where it has none.

    Raises Refusal: 400 for what is not JSON, 422 for tensors that are none or do not fit the columns.
    """
    head, rest = _split(body, header)
    try:
        request = from_json(head)
    except ValueError as error:
        raise refused_text(head, str(error), FORM) from None
    if not isinstance(request, dict):
        raise Refusal(422, f"the body is {shown(request)}; allowed: {FORM}")
    _refuse_names_that_stand_twice(head, request)
    given = [_tensor(one, place, max_rows) for place, one in enumerate(_list(request, "inputs", least=1))]
    known = Tensors(schema, given, rest).rows()
    parameters = _parameters(request, "the request")
    name = request.get("id")
    if not isinstance(name, str | None):
        raise Refusal(422, f"id is {shown(name)}; allowed: text")
    return Inference(known, name, dict(_outputs(request)), _flag(parameters, "binary_data_output", "the request") or False)


def _split(body: bytes, header: str) -> tuple[bytes, bytes]:
    if not header:
        return body, b""
    if not (header.isascii() and header.isdecimal() and len(header) < 20 and int(header) <= len(body)):
        raise Refusal(400, f"{HEADER} is {shown(header[:LONGEST])}; allowed: 0 to {len(body)}, the bytes of the body")
    return body[: int(header)], body[int(header) :]


def _refuse_names_that_stand_twice(head: bytes, request: dict[str, Any]) -> None:
    """Each name is followed by a colon: where there are no more of them than names were kept, none stands twice."""

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise refused_twice(next(name for name in names if names.count(name) > 1))
        return dict(pairs)

    if head.count(b":") > _names(request):
        json.loads(head, object_pairs_hook=each_once, parse_int=str, parse_float=str)


def _names(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_names, value.values()))
    return sum(map(_names, value)) if isinstance(value, list) and value and isinstance(value[0], dict) else 0


def _list(request: Mapping[str, Any], name: str, least: int = 0) -> list[Any]:
    found = request.get(name)
    if found is None and not least:
        return []
    if name not in request:
        raise Refusal(422, f"{name} is missing; allowed: {FORM}")
    if not isinstance(found, list) or len(found) < least:
        raise Refusal(422, f"{name} is {shown(found)}; allowed: a list of tensors")
    return found


def _parameters(holder: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = holder.get("parameters")
    if not isinstance(found, dict | None):
        raise Refusal(422, f"{where}: parameters is {shown(found)}; allowed: an object")
    kind = (found or {}).get("content_type")
    if kind is not None and kind not in CONTENT_TYPES:
        raise Refusal(422, f"{where}: content_type is {shown(kind)}; allowed: {', '.join(CONTENT_TYPES)}")
    return found or {}


def _flag(parameters: Mapping[str, Any], name: str, where: str) -> bool | None:
    found = parameters.get(name)
    if not isinstance(found, bool | None):
        raise Refusal(422, f"{where}: {name} is {shown(found)}; allowed: true or false")
    return found


def _named(one: Any, where: str) -> str:
    if not isinstance(one, dict):
        raise Refusal(422, f"{where} is {shown(one)}; allowed: an object with a name")
    if not isinstance(one.get("name"), str):
        raise Refusal(422, f"{where}: name is {shown(one.get('name'))}; allowed: text")
    return str(one["name"])


def _outputs(request: Mapping[str, Any]) -> Iterator[tuple[str, bool | None]]:
    for place, one in enumerate(_list(request, "outputs")):
        name = _named(one, f"outputs[{place}]")
        where = f"output {shown(name[:LONGEST])}"
        parameters = _parameters(one, where)
        if other := next((each for each in ELSEWHERE if parameters.get(each)), ""):
            raise Refusal(422, f"{where}: {other} is not supported; allowed: binary_data, or none")
        yield name, _flag(parameters, "binary_data", where)


@dataclass(frozen=True)
class Given:
    """A tensor of a request before its elements are read."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any]
    data: Any
    """The elements as JSON; None where they are binary data."""
    size: int | None
    """Bytes of binary data; None for none."""


def _tensor(one: Any, place: int, max_rows: int) -> Given:
    name = _named(one, f"inputs[{place}]")
    where = f"input {shown(name[:LONGEST])}"
    datatype, shape, parameters = one.get("datatype"), one.get("shape"), _parameters(one, where)
    if datatype not in DATATYPES:
        near = did_you_mean(str(datatype)[:LONGEST], DATATYPES)
        raise Refusal(422, f"{where}: datatype is {shown(datatype)}{near}; allowed: {', '.join(DATATYPES)}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape) or not 1 <= len(shape) <= 2:
        raise Refusal(422, f"{where}: shape is {shown(shape)}; allowed: [n] or [n, columns]")
    if not 1 <= shape[0] <= max_rows:
        raise Refusal(422, f"{where} holds {shape[0]} rows; allowed: 1 to {max_rows}")
    size = parameters.get("binary_data_size")
    if size is not None and (type(size) is not int or size < 0):
        raise Refusal(422, f"{where}: binary_data_size is {shown(size)}; allowed: a whole number of bytes")
    if (size is None) == (one.get("data") is None):
        said = "has neither data nor binary_data_size" if size is None else "has data and binary_data_size"
        raise Refusal(422, f"{where} {said}; allowed: one of them")
    return Given(name, datatype, tuple(shape), parameters, one.get("data"), size)


class Tensors:
    """The tensors of one request, laid out as rows."""

    def __init__(self, schema: Schema, given: Sequence[Given], rest: bytes) -> None:
        """Keep them; `rest` is the binary data of all, in order."""
        self._columns = {column.name: column for column in schema.features}
        self._columns |= {column.was: column for column in schema.features if column.was}
        self._names = [column.name for column in schema.features]
        self._known = {*self._columns, *schema.ignored}
        self._given, self._rest = given, rest

    def rows(self) -> list[Row]:
        """Return values by column name, row by row. Raises Refusal where the tensors are no rows."""
        often = Counter(one.name for one in self._given).most_common(1)
        if often[0][1] > 1:
            raise Refusal(422, f"input {shown(often[0][0][:LONGEST])} stands twice; allowed: each input once")
        only = self._given[0] if len(self._given) == 1 else None
        if only and (only.name not in self._known or math.prod(only.shape[1:]) > 1):
            self._refuse_shape(only)
            return self._matrix(next(self._read()))
        for one in self._given:
            self._refuse_stranger(one)
            self._refuse_length(one)
        columns = {one.name: self._column(one) for one in self._read()}
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def _refuse_shape(self, only: Given) -> None:
        wide = len(self._names)
        if len(only.shape) == 1 and wide > 1 or not 1 <= math.prod(only.shape[1:]) <= wide:
            order = f"[n, {wide}], in this order: {', '.join(self._names)}; or an input for each of them"
            raise Refusal(422, f"input {shown(only.name[:LONGEST])} has shape {list(only.shape)}; allowed: {order}")

    def _refuse_stranger(self, one: Given) -> None:
        """At once: a body has space for many strangers of many rows, and to judge them row by row would take seconds."""
        if one.name not in self._known:
            name = one.name[:LONGEST]
            near = did_you_mean(name, self._names)
            raise Refusal(422, f"input {shown(name)} is not a column of a request{near}; allowed: {', '.join(self._names)}")

    def _refuse_length(self, one: Given) -> None:
        first = self._given[0]
        where = f"input {shown(one.name[:LONGEST])}"
        if math.prod(one.shape) != one.shape[0]:
            raise Refusal(422, f"{where} has shape {list(one.shape)}; allowed: [n] or [n, 1], a column")
        if one.shape[0] != first.shape[0]:
            other = f"{first.shape[0]} as input {shown(first.name[:LONGEST])} has"
            raise Refusal(422, f"{where} has {one.shape[0]} rows; allowed: {other}")

    def _read(self) -> Iterator[Tensor]:
        """Yield the tensors with their elements; the JSON texts of MLServer's clients as what they say."""
        wanted = sum(one.size or 0 for one in self._given)
        if wanted != len(self._rest):
            said = f"the binary data of the inputs add up to {wanted} bytes (binary_data_size)"
            raise Refusal(422, f"{said}; allowed: {len(self._rest)}, what comes after the JSON ({HEADER})")
        start = 0
        for one in self._given:
            if one.size is None:
                elements: Sequence[Element] = tensors.from_json(one.name, one.datatype, one.shape, one.data)
            else:
                elements = tensors.from_bytes(one.name, one.datatype, one.shape, self._rest[start : start + one.size])
                start += one.size
            tensor = Tensor(one.name, one.datatype, one.shape, elements, one.parameters)
            yield _as_json(tensor) if one.datatype == BYTES else tensor

    def _column(self, tensor: Tensor) -> list[Element]:
        column = self._columns.get(tensor.name)
        return [_value(tensor, column, element, alone=False) for element in tensor.elements]

    def _matrix(self, tensor: Tensor) -> list[Row]:
        wide = tensor.shape[1] if len(tensor.shape) > 1 else 1
        names = self._names[:wide]
        columns = [self._columns[name] for name in names]
        elements = [
            _value(tensor, columns[place % wide], element, alone=True) for place, element in enumerate(tensor.elements)
        ]
        return [dict(zip(names, elements[start : start + wide])) for start in range(0, len(elements), wide)]


def _as_json(tensor: Tensor) -> Tensor:
    """Return a tensor of MLServer's `pd_json` with what its texts say."""
    if tensor.parameters.get("content_type") != "pd_json":
        return tensor
    read: list[Any] = []
    for place, element in enumerate(tensor.elements):
        try:
            value = from_json(element) if isinstance(element, str) else element
        except ValueError:
            value = {}
        if isinstance(value, dict | list):
            raise Refusal(422, f"{tensor.where}: element {place} is {shown(element)}; allowed: JSON of one value (pd_json)")
        read.append(value)
    return Tensor(tensor.name, tensor.datatype, tensor.shape, read)


def _value(tensor: Tensor, column: Column | None, element: Element, *, alone: bool) -> Element:
    """Return what an element means in a column, None for missing; whether the column may hold it is not judged here.

    `alone` says that the tensor holds all columns: then numbers and truth values may be in text, where that is its datatype.
    """
    if isinstance(element, float) and not math.isfinite(element):
        if math.isnan(element):
            return None
        raise Refusal(422, f"{tensor.where} holds {element} (not finite); allowed: finite numbers, NaN for missing values")
    if column is None or element is None:
        return element
    if tensor.datatype == BYTES:
        return _of_text(column, element, alone) if isinstance(element, str) else element
    if column.dtype == "boolean" and element in (0, 1):
        return bool(element)
    return element


def _of_text(column: Column, text: str, alone: bool) -> Element:
    if column.dtype == "string":
        return text if text or not column.nullable else None
    if not text or (alone and text.strip().lower() in NOTHING):
        return None
    if not alone or column.dtype == "datetime":
        return text
    word = text.strip()
    if column.dtype == "boolean":
        return TRUTH.get(word.lower(), text)
    number = float(word) if NUMBER.fullmatch(word) else math.inf
    return number if math.isfinite(number) else text
