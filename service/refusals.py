"""Why a request is refused: the status, and every problem by field, value and what is allowed."""

import math
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
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


def told_as(path: str) -> str:
    """Return the name under which an answer of a path says why it refuses: the Open Inference Protocol has one of its own."""
    return "error" if path == "/v2" or path.startswith("/v2/") else "detail"


class Refusal(Exception):
    """A request that gets a 4xx answer (503 while the model is not loaded)."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def refused_body(error: ValidationError, body: bytes) -> Refusal:
    """Return the refusal of a body of /predict that is not JSON."""
    return refused_text(body, error.errors(include_url=False)[0]["msg"].removeprefix("Invalid JSON: "), FORMS)


def refused_text(body: bytes, reason: str, forms: str) -> Refusal:
    """Return the refusal of a body that is not JSON, which a parser says for a reason; `forms` says what is allowed."""
    if not body.strip():
        return Refusal(400, f"the body is empty; allowed: JSON, {forms}")
    for mark, name in MARKS.items():
        if body.startswith(mark):
            return Refusal(400, f"the body begins with a byte order mark ({name}); allowed: JSON in UTF-8 without one")
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        byte = f"byte {wrong.start} is 0x{body[wrong.start]:02x}"
        return Refusal(400, f"the body is not UTF-8: {byte}; allowed: JSON in UTF-8")
    return Refusal(400, f"the body is not JSON that can be read: {reason}; allowed: {forms}")


def refused_twice(name: str) -> Refusal:
    """Return the refusal of an object that names something twice: which of both is meant, nobody can know."""
    return Refusal(422, f"{shown(name[:LONGEST])} stands twice in one object; allowed: each name once")


def refused_values(error: ValidationError, schema: Schema, max_rows: int) -> Refusal:
    """Return the refusal of values that the schema does not allow: field, value and what is allowed, of the first ten."""
    count = error.error_count()
    if count > MOST:
        return Refusal(422, f"the body has {count} problems, too many to name; allowed: {FORMS}")
    problems = []
    for detail in error.errors(include_url=False, include_context=False)[:LISTED]:
        path = _path(detail["loc"])
        if len(path) < 2 or (len(path) == 2 and path[0] == "rows"):
            problems.append(_wrong_form(detail, path, schema, max_rows))
        else:
            problems.append(_wrong_value(detail, path, schema))
    # what is wrong is gathered under what is allowed, so that the same words do not stand twice
    said = [
        f"{', '.join(wrong for wrong, _ in group)}; allowed: {what}" for what, group in groupby(problems, key=itemgetter(1))
    ]
    return Refusal(422, "; ".join(said + ([f"and {count - LISTED} more"] if count > LISTED else [])))


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
    value = detail["input"]
    finite = not isinstance(value, float) or math.isfinite(value)
    return f"{where} is {shown(value) if finite else f'{value} (not finite)'}", expected


def _written(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{visible(part[:LONGEST])}" for part in path)
    return text.removeprefix(".")
