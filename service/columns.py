"""What a request may hold in one column: its type for pydantic, its JSON schema, and both in words."""

import json
import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateline.contracts import encoding
from gateline.contracts.schema import Column, Value

Row = list[Any]
"""Typed values in schema order: float, str, bool, or None for missing; datetimes as POSIX seconds."""
LARGEST_NUMBER = 3.4028234663852886e38
"""The largest 32-bit float: estimators that work in 32 bits refuse what is beyond, so an undeclared range ends here."""
LARGEST_INTEGER = 2.0**53
"""Beyond it two integers share one 64-bit float."""
SHOWN = 20
"""Categories named in a message."""

WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "datetime": "an ISO 8601 date and time (UTC unless it names a zone)",
}
JSON_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}


def annotation(column: Column, example: Any = None) -> Any:
    """Return the strict type of a column's values for pydantic; valid values become float, str, bool or None."""
    low, high = limits(column)
    number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=low, le=high)]
    base: Any = {
        "string": Annotated[str, Field(strict=True)],
        "boolean": Annotated[bool, Field(strict=True)],
        "datetime": Annotated[float, BeforeValidator(posix_seconds), Field(ge=column.minimum, le=column.maximum)],
        "integer": Annotated[number, AfterValidator(_whole)],
    }.get(column.dtype, number)
    further = checks(column)
    checked = Annotated[base, AfterValidator(further)] if further else base
    nullable = checked | None if column.nullable > 0 else checked
    return Annotated[nullable, WithJsonSchema(json_schema(column, example))]


def json_schema(column: Column, example: Any = None) -> dict[str, Any]:
    """Return the JSON schema of a column's values, for the OpenAPI page."""
    body = dict(JSON_TYPES[column.dtype])
    if column.dtype in ("integer", "number"):
        low, high = limits(column)
        body |= {"minimum": low, "maximum": high}
    if column.pattern is not None:
        body["pattern"] = f"^(?:{column.pattern})$"
    if column.categories is not None:
        body["enum"] = list(column.categories)
    if column.sentinels:
        body["not"] = {"enum": list(column.sentinels)}
    if column.nullable > 0:
        body["type"] = [body["type"], "null"]
        body |= {"enum": [*body["enum"], None]} if "enum" in body else {}
    examples = {} if example is None else {"examples": [example]}
    return body | {"description": column.description or allowed(column)} | examples


def allowed(column: Column, *, beyond: bool = False) -> str:
    """Return in words what a request may hold in a column; `beyond` names the limits of undeclared ranges too."""
    text = WORDS[column.dtype] + _between(column, beyond)
    if column.categories is not None:
        more = len(column.categories) - SHOWN
        text = f"one of {', '.join(map(shown, column.categories[:SHOWN]))}" + (f" and {more} more" if more > 0 else "")
    if column.pattern is not None:
        text += f" that matches {column.pattern}"
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    numbers = column.dtype != "datetime"  # a sentinel that the range keeps out need not be named
    near = [one for one in column.sentinels if isinstance(one, str) or not numbers or low <= one <= high]
    if near:
        text += f" other than {', '.join(map(shown, near))}"
    return text + (", or null" if column.nullable > 0 else "")


def shown(value: Any) -> str:
    """Return a value as JSON, cut to a length that fits a message."""
    text = visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 80 else f"{text[:77]}..."


def visible(text: str) -> str:
    """Return a text in which every sign can be seen: a byte order mark, say, stands there as `\\ufeff`."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def posix_seconds(value: Any) -> float:
    """Return the POSIX seconds of an ISO 8601 text. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return encoding.posix_seconds(value)


def _whole(value: float) -> float:
    """`17.0` is a whole number: JSON knows no other kind. pydantic's multiple_of lets 17.000000001 pass as well."""
    if not value.is_integer():
        raise ValueError("not whole")
    return value


def excluded(column: Column) -> frozenset[Any]:
    """Return the typed values that stand for 'missing' elsewhere."""
    return _typed(column, column.sentinels)


def _typed(column: Column, values: tuple[Value, ...]) -> frozenset[Any]:
    return frozenset(map(posix_seconds, values) if column.dtype == "datetime" else values)


def checks(column: Column) -> Callable[[Any], Any] | None:
    """Return the check of what pydantic's own constraints do not cover, or None where nothing more is declared."""
    categories = None if column.categories is None else _typed(column, column.categories)
    sentinels = excluded(column)
    pattern = None if column.pattern is None else re.compile(column.pattern)
    if categories is None and not sentinels and pattern is None:
        return None

    def check(value: Any) -> Any:
        if categories is not None and value not in categories:
            raise ValueError("not a category")
        if value in sentinels or (pattern is not None and not pattern.fullmatch(str(value))):
            raise ValueError("excluded")
        return value

    return check


def _between(column: Column, beyond: bool) -> str:
    low, high = limits(column) if beyond else (column.minimum, column.maximum)
    if low is not None and high is not None:
        return f" from {low:.17g} to {high:.17g}"
    if low is not None:
        return f" from {low:.17g} on"
    return f" up to {high:.17g}" if high is not None else ""


def limits(column: Column) -> tuple[float | None, float | None]:
    """Return the smallest and largest value: the declared ones, else what every estimator can take."""
    largest = {"integer": LARGEST_INTEGER, "number": LARGEST_NUMBER}.get(column.dtype)
    lowest = None if largest is None else -largest
    return lowest if column.minimum is None else column.minimum, largest if column.maximum is None else column.maximum
