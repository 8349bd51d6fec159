"""From a validator's findings to lines a user can act on: the key, its value, what is allowed, the nearest known name."""

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateline.settings.errors import did_you_mean
from gateline.settings.secrets import redacted
from gateline.settings.section import PATTERNS

LONGEST = 80
BOUNDS = {
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
}
KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}


def explain(error: ValidationError, root: type[BaseModel], replaced: Mapping[str, str]) -> list[str]:
    """Return one line a fault, in the file's order. `replaced` names the variable behind a value not from the file."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        place, annotation = _follow(root, detail["loc"])
        where = ".".join(map(str, place))
        line = _line(detail, root, where, annotation)
        if line and where in lines:  # two findings on one key are the branches of a union: name what each allows
            lines[where] += f" or {line.partition('; allowed: ')[2]}"
        elif line:
            source = f" (set by the environment variable {replaced[where]})" if where in replaced else ""
            lines[where] = line + source
    return [line for at_one_key in lines.values() for line in at_one_key.splitlines()]


def _follow(root: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Any]:
    """Return the part of `loc` that names a key of the file, and the type declared there; a union's tags are left out."""
    annotation: Any = root
    for depth, part in enumerate(loc):
        for kind in (annotation, *get_args(annotation)):  # itself, or the branches of `X | None`
            inner = _fields(kind).get(part)
            if get_origin(kind) is dict and part != "[key]":
                inner = get_args(kind)[1]
            elif get_origin(kind) is tuple and isinstance(part, int):
                inner = get_args(kind)[0]
            if inner is not None:
                annotation = getattr(inner, "annotation", inner)
                break
        else:
            return loc[:depth], annotation
    return loc, annotation


def _fields(annotation: Any) -> dict[Any, Any]:
    """Return the fields of a section by their keys in the file; none for anything else."""
    section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return {field.alias or name: field for name, field in annotation.model_fields.items()} if section else {}


def shown(value: Any) -> str:
    """Return a value as the file would have it, shortened, without credentials."""
    text = redacted(f"'{value}'" if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _line(detail: ErrorDetails, root: type[BaseModel], where: str, annotation: Any) -> str:
    kind, value, loc = detail["type"], detail["input"], detail["loc"]
    key, dotted = loc[-1] if loc else "", ".".join(map(str, loc))
    if kind == "extra_forbidden":
        known = list(_fields(annotation))
        return f"unknown key '{dotted}'{did_you_mean(str(key), known)} (known here: {', '.join(known)})"
    if kind == "missing":
        meaning = _fields(_follow(root, loc[:-1])[1])[key].description
        return f"key '{dotted}' is missing" + (f": {meaning[0].lower()}{meaning[1:].rstrip('.')}" if meaning else "")
    if kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        return "\n".join(f"{where}: {line}" if where else line for line in message.splitlines())
    if kind == "too_short" and value:
        return ""  # its items are wrong, and named by lines of their own
    if key == "[key]":
        return f"'{where}' is no name; allowed: {_allowed(detail, annotation)}"
    said = f"'{where.rpartition('.')[0]}' holds" if isinstance(key, int) else f"'{where}' is"
    near = ""
    if kind == "literal_error" and isinstance(value, str):
        near = did_you_mean(value, detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    return f"{said} {shown(value)}; allowed: {_allowed(detail, annotation)}{near}"


def _allowed(detail: ErrorDetails, annotation: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in BOUNDS:
        name, words = BOUNDS[kind]
        return f"{words} {str(context[name]).removesuffix('.0')}"
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), str(context["pattern"]))
    if kind == "too_short":
        items = next(iter(get_args(annotation)), None)
        return f"at least one of {', '.join(get_args(items))}" if get_origin(items) is Literal else "at least one entry"
    return KINDS.get(kind, detail["msg"].removeprefix("Input should be "))
