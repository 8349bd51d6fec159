"""The request model, generated from the schema: one row in order, one row by name, or many rows by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError, create_model

from contracts.schema import Schema
from service.columns import Row, annotation
from service.refusals import Refusal, refused_body, refused_twice, refused_values

CLOSED = ConfigDict(extra="forbid", strict=True)
REF = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Asked:
    """What one request asks for."""

    rows: list[Row]
    single: bool
    """Whether the answer is one prediction, not a list."""


class Requests:
    """Reads request bodies for one schema."""

    def __init__(self, schema: Schema, max_rows: int, example: Sequence[Any] = ()) -> None:
        """Generate the model. `example` is one valid row in JSON values. Raises re.error for a pattern that is none."""
        self.schema = schema
        self.max_rows = max_rows
        self.example = list(example)
        ordered = _ordered_row(schema, self.example)
        self._body: TypeAdapter[Any] = TypeAdapter(_body(_named_row(schema, self.example), ordered, max_rows))

    def parse(self, body: bytes) -> Asked:
        """Return the typed rows of a body. Raises Refusal: 400 for what is no JSON, 422 for what the schema does not allow."""
        try:
            request = self._body.validate_json(body)
        except ValidationError as error:
            raise self._refusal(error, body) from None
        _refuse_names_that_stand_twice(body, request)
        if hasattr(request, "rows"):
            return Asked([_values(row) for row in request.rows], single=False)
        features = request.features
        return Asked([list(features) if isinstance(features, tuple) else _values(features)], single=True)

    def typed_row(self, values: Sequence[Any]) -> Row:
        """Return a row of JSON values in schema order as typed values. Raises Refusal."""
        return self.parse(json.dumps({"features": list(values)}).encode()).rows[0]

    def json_schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the body's JSON schema and the component schemas it refers to, for OpenAPI."""
        body = self._body.json_schema(ref_template=REF)
        return body, body.pop("$defs", {})

    def examples(self) -> dict[str, dict[str, Any]]:
        """Return an example body for each form of request."""
        named = dict(zip((column.name for column in self.schema.features), self.example))
        return {"in order": {"features": self.example}, "by name": {"features": named}, "many": {"rows": [named]}}

    def _refusal(self, error: ValidationError, body: bytes) -> Refusal:
        if error.error_count() == 1 and error.errors(include_url=False)[0]["type"] == "json_invalid":
            return refused_body(error, body)
        return refused_values(error, self.schema, self.max_rows)


def _refuse_names_that_stand_twice(body: bytes, request: Any) -> None:
    """JSON's own reader keeps the last of two equal names. Each name is followed by a colon: where there are no more of them
    than names were kept, none stands twice, and the body need not be read again."""
    rows = request.rows if hasattr(request, "rows") else [request.features]
    names = 1 + sum(len(row.model_fields_set) for row in rows if isinstance(row, BaseModel))
    if body.count(b":") > names:
        json.loads(body, object_pairs_hook=_each_once, parse_int=str, parse_float=str)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise refused_twice(next(name for name in names if names.count(name) > 1))
    return found


def _named_row(schema: Schema, example: Sequence[Any]) -> type[BaseModel]:
    """Fields have names of their own, with the column's name as alias: a column may be called `copy` or `class`."""
    fields: dict[str, Any] = {
        f"column_{index}": (annotation(column, _at(example, index)), Field(alias=column.name))
        for index, column in enumerate(schema.features)
    }
    return create_model("Row", __config__=CLOSED, **fields)


def _ordered_row(schema: Schema, example: Sequence[Any]) -> Any:
    return tuple.__class_getitem__(
        tuple(annotation(column, _at(example, index)) for index, column in enumerate(schema.features))
    )


def _body(named: Any, ordered: Any, max_rows: int) -> Any:
    """Return the type of a whole body. The form is told by what is there, so that a problem is named in one form alone."""
    row: Any = Annotated[Annotated[named, Tag("object")] | Annotated[ordered, Tag("array")], Discriminator(_row_form)]
    many: Any = Annotated[list[named], Field(min_length=1, max_length=max_rows)]
    one_row: Any = create_model("OneRow", __config__=CLOSED, features=row)
    many_rows: Any = create_model("ManyRows", __config__=CLOSED, rows=many)
    return Annotated[
        Annotated[one_row, Tag("features")] | Annotated[many_rows, Tag("rows")], Discriminator(_request_form)
    ]


def _at(example: Sequence[Any], index: int) -> Any:
    return example[index] if index < len(example) else None


def _values(row: BaseModel) -> Row:
    return list(row.__dict__.values())


def _row_form(value: Any) -> str | None:
    return "array" if isinstance(value, list | tuple) else "object" if isinstance(value, dict) else None


def _request_form(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return "rows" if "rows" in value else "features"
