"""Why a request is refused: the status, and every problem by field, value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.schema import Schema
from service.columns import allowed, shown
from settings.errors import did_you_mean

LISTED = 10
"""Problems named in one answer."""
TAGS = {"object", "array", "features", "rows"}
FORMS = "an object with 'features' (one row, a list in schema order or an object by name) or 'rows' (a list of objects)"


class Refusal(Exception):
    """A request that gets a 4xx answer (503 while the model is not loaded)."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep the HTTP status and the message for the caller."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def refused_body(error: ValidationError, body: bytes) -> Refusal:
    """Return the refusal of a body that is not JSON."""
    if not body.strip():
        return Refusal(400, f"the body is empty; allowed: JSON, {FORMS}")
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return Refusal(
            400, f"the body is not UTF-8: byte {wrong.start} is 0x{body[wrong.start]:02x}; allowed: JSON in UTF-8"
        )
    reason = error.errors(include_url=False)[0]["msg"].removeprefix("Invalid JSON: ")
    return Refusal(400, f"the body is not JSON that can be read: {reason}; allowed: {FORMS}")


def refused_values(error: ValidationError, schema: Schema, max_rows: int) -> Refusal:
    """Return the refusal of values that the schema does not allow."""
    details = error.errors(include_url=False, include_context=False)
    lines = [_problem(detail, schema, max_rows) for detail in details[:LISTED]]
    if len(details) > LISTED:
        lines.append(f"and {len(details) - LISTED} more")
    return Refusal(422, "; ".join(lines))


def _problem(detail: ErrorDetails, schema: Schema, max_rows: int) -> str:
    path = _path(detail["loc"])
    if not path or len(path) == 1 or (len(path) == 2 and path[0] == "rows"):
        return _wrong_form(detail, path, schema, max_rows)
    return _wrong_value(detail, path, schema)


def _path(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Drop the union tags that pydantic puts in front: `features, features, array, 3` is `features, 3`."""
    if not loc or loc[0] not in TAGS:
        return loc
    path = loc[1:]
    return (*path[:1], *path[2:]) if len(path) > 1 and path[0] == "features" and path[1] in TAGS else path


def _wrong_form(detail: ErrorDetails, path: tuple[int | str, ...], schema: Schema, max_rows: int) -> str:
    where = _written(path) or "the body"
    count = len(detail["input"]) if isinstance(detail["input"], list) else 0
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"'{where}' is not known{did_you_mean(where, ('features', 'rows'))}; allowed: {FORMS}"
    if kind == "missing":
        return f"'{where}' is missing; allowed: {FORMS}"
    if kind in ("too_long", "too_short") and path[0] == "rows":
        return f"rows holds {count} rows; allowed: 1 to {max_rows}"
    if kind == "too_long":
        names = ", ".join(column.name for column in schema.features)
        return f"features holds {count} values; allowed: {len(schema.features)}, in this order: {names}"
    return f"{where} is {shown(detail['input'])}; allowed: {FORMS}"


def _wrong_value(detail: ErrorDetails, path: tuple[int | str, ...], schema: Schema) -> str:
    names = [column.name for column in schema.features]
    last = path[-1]
    name = names[last] if isinstance(last, int) else last
    where = f"{_written(path)} ({name})" if isinstance(last, int) else _written(path)
    if name not in names:
        return f"{where} is not a column of a request{did_you_mean(name, names)}; allowed: {', '.join(names)}"
    expected = allowed(schema.column(name))
    if detail["type"] == "missing":
        return f"{where} is missing; allowed: {expected}"
    return f"{where} is {_shown(detail['input'])}; allowed: {expected}"


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} (not finite)"
    return shown(value)


def _written(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
