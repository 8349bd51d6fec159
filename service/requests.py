"""The request model, generated from the schema: one row in order, one row by name, or many rows by name."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError
from pydantic import WithJsonSchema, create_model

from gateline.contracts.schema import Schema
from service.columns import Row, annotation
from service.decoder import Asked, Decoder
from service.refusals import Refusal, refused_body, refused_twice, refused_values

CLOSED = ConfigDict(extra="forbid", strict=True)
IGNORED = {"description": "Ignored: the model does not take it any more", "deprecated": True}
REF = "#/components/schemas/{model}"


class Requests:
    """Reads request bodies for one schema."""

    def __init__(self, schema: Schema, max_rows: int, example: Sequence[Any] = ()) -> None:
        """Generate the model. `example` is one valid row in JSON values. Raises re.error for a pattern that is none."""
        self.schema = schema
        self.max_rows = max_rows
        self.example = list(example)
        self._defaults = [
            TypeAdapter(annotation(column)).validate_json(json.dumps(column.default)) if column.may_be_left_out else None
            for column in schema.features
        ]
        padded = [*self.example, *[None] * (len(schema.features) - len(self.example))]
        types = [annotation(column, one) for column, one in zip(schema.features, padded)]
        named = _named_row(schema, types, self._defaults)
        lists = {count: tuple.__class_getitem__(tuple(types[:count])) for count in _lengths(schema)}
        self._body: TypeAdapter[Any] = TypeAdapter(_body(named, lists, max_rows))
        self.certain = Decoder(schema, max_rows, self._defaults).decode
        """Returns what `parse` returns for a body that is certainly right; None for any other."""

    def read(self, body: bytes) -> Asked:
        """Return what `parse` returns, sooner where the body is certainly right. Raises what it raises."""
        return self.certain(body) or self.parse(body)

    def parse(self, body: bytes) -> Asked:
        """Return the typed rows of a body. Raises Refusal: 400 for what is no JSON, 422 for what the schema does not allow."""
        try:
            request = self._body.validate_json(body)
        except ValidationError as error:
            raise self._refusal(error, body) from None
        _refuse_names_that_stand_twice(body, request)
        if hasattr(request, "rows"):
            return Asked([self._values(row) for row in request.rows], single=False)
        return Asked([self._values(request.features)], single=True)

    def _values(self, row: BaseModel | tuple[Any, ...]) -> Row:
        """Return a row in schema order: what a list leaves out at its end are defaults, what is ignored stands at the end."""
        if isinstance(row, tuple):
            return [*row, *self._defaults[len(row) :]]
        return list(row.__dict__.values())[: len(self._defaults)]

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

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise refused_twice(next(name for name in names if names.count(name) > 1))
        return found

    if body.count(b":") > names:
        json.loads(body, object_pairs_hook=each_once, parse_int=str, parse_float=str)


def _lengths(schema: Schema) -> list[int]:
    """Return how many values a list may hold: all, or without the last ones that may be left out."""
    found = [len(schema.features)]
    while found[-1] > 1 and schema.features[found[-1] - 1].may_be_left_out:
        found.append(found[-1] - 1)
    return found


def _named_row(schema: Schema, types: Sequence[Any], defaults: Sequence[Any]) -> type[BaseModel]:
    """Fields have names of their own, with the column's name as alias: a column may be called `copy` or `class`.

    What is ignored comes after the columns.
    """
    fields: dict[str, Any] = {}
    for index, column in enumerate(schema.features):
        either = AliasChoices(column.name, column.was) if column.was else column.name
        default = {"default": defaults[index]} if column.may_be_left_out else {}
        field: Any = Field(validation_alias=either, serialization_alias=column.name, **default)
        fields[f"column_{index}"] = (types[index], field)
    for index, name in enumerate(schema.ignored):
        fields[f"ignored_{index}"] = (Annotated[Any, WithJsonSchema(IGNORED)], Field(alias=name, default=None))
    told = ConfigDict(json_schema_extra=lambda body: _tell_former_names(body, schema))
    return create_model("Row", __config__=CLOSED | told, **fields)


def _tell_former_names(body: dict[str, Any], schema: Schema) -> None:
    """pydantic describes the first of two names alone."""
    for column in schema.features:
        described = body["properties"][column.name]
        if column.may_be_left_out:
            described["default"] = column.default
        if column.was:
            body["properties"][column.was] = {**described, "deprecated": True, "description": f"Now '{column.name}'"}
            if column.name in body["required"]:
                body["required"].remove(column.name)
                one_of = [{"required": [column.name]}, {"required": [column.was]}]
                body.setdefault("allOf", []).append({"oneOf": one_of})


def _body(named: Any, ordered: Mapping[int, Any], max_rows: int) -> Any:
    """Return the type of a whole body. The form is told by what is there, so that a problem is named in one form alone."""
    row: Any = Annotated[named, Tag("object")]
    for length, one in ordered.items():
        row = row | Annotated[one, Tag(f"array {length}")]
    row = Annotated[row, Discriminator(_row_form(ordered))]
    many: Any = Annotated[list[named], Field(min_length=1, max_length=max_rows)]
    one_row: Any = create_model("OneRow", __config__=CLOSED, features=row)
    many_rows: Any = create_model("ManyRows", __config__=CLOSED, rows=many)

    def form(value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        return "rows" if "rows" in value else "features"

    return Annotated[Annotated[one_row, Tag("features")] | Annotated[many_rows, Tag("rows")], Discriminator(form)]


def _row_form(lengths: Collection[int]) -> Callable[[Any], str | None]:
    """Return what tells the form of a row; a list of a length that is none of these is judged as one of all columns."""

    def form(value: Any) -> str | None:
        if isinstance(value, list | tuple):
            return f"array {len(value)}" if len(value) in lengths else f"array {max(lengths)}"
        return "object" if isinstance(value, dict) else None

    return form
