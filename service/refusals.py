"""Why a request is refused: the status, and every problem by field, value and what is allowed."""

from __future__ import annotations

import math
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateline.contracts.schema import Schema
from gateline.settings.errors import did_you_mean
from service.columns import allowed, shown, visible

LISTED = 10
"""Problems named in one answer."""
MOST = 20_000
"""Beyond so many problems none is named: to list them would hold up every other request."""
LONGEST = 80
"""Characters of a name that are shown, and compared with the known ones."""
BEYOND = ("less_than_equal", "greater_than_equal", "finite_number")
TAGS = {"object", "features", "rows"}
LIST_TAG = "array "
"""What the tag of a list begins with; its length follows."""
FORMS = "an object with 'features' (one row, a list in schema order or an object by name) or 'rows' (a list of objects)"


MARKS = {
    BOM_UTF8: "U+FEFF, three bytes that cannot be seen",
    BOM_UTF16_LE: "U+FEFF, of UTF-16",
    BOM_UTF16_BE: "U+FEFF, of UTF-16",
}
"""What some clients put before a text, and what to call it."""


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
    for mark, name in MARKS.items():
        if body.startswith(mark):
            return Refusal(400, f"the body begins with a byte order mark ({name}); allowed: JSON in UTF-8 without one")
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return Refusal(
            400, f"the body is not UTF-8: byte {wrong.start} is 0x{body[wrong.start]:02x}; allowed: JSON in UTF-8"
        )
    reason = error.errors(include_url=False)[0]["msg"].removeprefix("Invalid JSON: ")
    return Refusal(400, f"the body is not JSON that can be read: {reason}; allowed: {FORMS}")


def refused_twice(name: str) -> Refusal:
    """Return the refusal of an object that names something twice: which of both is meant, nobody can know."""
    return Refusal(422, f"{shown(name[:LONGEST])} stands twice in one object; allowed: each name once")


def refused_values(error: ValidationError, schema: Schema, max_rows: int) -> Refusal:
    """Return the refusal of values that the schema does not allow: field, value and what is allowed, of the first ten."""
    count = error.error_count()
    if count > MOST:
        return Refusal(422, f"the body has {count} problems, too many to name; allowed: {FORMS}")
    details = error.errors(include_url=False, include_context=False)
    problems = [_problem(detail, schema, max_rows) for detail in details[:LISTED]]
    more = [f"and {count - LISTED} more"] if count > LISTED else []
    return Refusal(422, "; ".join([*map(_joined, _grouped(problems)), *more]))


def _grouped(problems: list[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Gather what is wrong under what is allowed, so that the same words do not stand twice."""
    return [([wrong for wrong, _ in group], key) for key, group in groupby(problems, key=itemgetter(1))]


def _joined(group: tuple[list[str], str]) -> str:
    return f"{', '.join(group[0])}; allowed: {group[1]}"


def _problem(detail: ErrorDetails, schema: Schema, max_rows: int) -> tuple[str, str]:
    """Return what is wrong, and what is allowed."""
    path = _path(detail["loc"])
    if len(path) < 2 or (len(path) == 2 and path[0] == "rows"):
        return _wrong_form(detail, path, schema, max_rows)
    return _wrong_value(detail, path, schema)


def _path(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Drop the union tags that pydantic puts in front: `features, features, array, 3` is `features, 3`."""
    if not loc or loc[0] not in TAGS:
        return loc
    path = loc[1:]
    tagged = len(path) > 1 and path[0] == "features" and isinstance(path[1], str)
    return (*path[:1], *path[2:]) if tagged and (path[1] in TAGS or str(path[1]).startswith(LIST_TAG)) else path


def _wrong_form(detail: ErrorDetails, path: tuple[int | str, ...], schema: Schema, max_rows: int) -> tuple[str, str]:
    where = _written(path) or "the body"
    count = len(detail["input"]) if isinstance(detail["input"], list) else 0
    kind, names = detail["type"], ", ".join(column.name for column in schema.features)
    if kind == "extra_forbidden" and where in ("features", "rows"):
        return "features and rows stand side by side", FORMS
    if kind == "extra_forbidden":
        return f"{where} is not known{did_you_mean(where, ('features', 'rows'))}", FORMS
    if kind == "missing":
        return f"{where} is missing", FORMS
    if kind in ("too_long", "too_short") and where == "rows":
        return f"rows holds {count} rows", f"1 to {max_rows}"
    if kind == "too_long":
        return f"features holds {count} values", f"{len(schema.features)}, in this order: {names}"
    if len(path) == 2:
        return f"{where} is {shown(detail['input'])}", f"an object that names {names}"
    return f"{where} is {shown(detail['input'])}", FORMS


def _wrong_value(detail: ErrorDetails, path: tuple[int | str, ...], schema: Schema) -> tuple[str, str]:
    names = [column.name for column in schema.features]
    last = path[-1]
    name = names[last] if isinstance(last, int) else last
    where = f"{_written(path)} ({name})" if isinstance(last, int) else _written(path)
    former = {column.was: column.name for column in schema.features if column.was}
    if name in former and detail["type"] == "extra_forbidden":
        return f"{where} is the former name of '{former[name]}', which is given too", "one of the two names"
    if name not in names and name not in former:
        return f"{where} is not a column of a request{did_you_mean(name[:LONGEST], names)}", ", ".join(names)
    expected = allowed(schema.column(former.get(str(name), str(name))), beyond=detail["type"] in BEYOND)
    if detail["type"] == "missing":
        return f"{where} is missing", expected
    return f"{where} is {_shown(detail['input'])}", expected


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} (not finite)"
    return shown(value)


def _written(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{visible(part[:LONGEST])}" for part in path)
    return text.removeprefix(".")
