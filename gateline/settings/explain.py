"""From a validator's findings to lines a user can act on: the key, its value, what is allowed, the nearest known name."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateline.settings.errors import did_you_mean
from gateline.settings.project import PATTERNS
from gateline.settings.secrets import redacted

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
        place, annotation = follow(root, detail["loc"])
        where = ".".join(map(str, place))
        line = _line(detail, root, where, annotation)
        if line:
            before = lines.get(where, "")
            lines[where] = _joined(before, line) if before else line + _source(where, replaced)
    return [line for lines_at in lines.values() for line in lines_at.splitlines()]


def follow(root: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Any]:
    """Return the part of `loc` that names a key of the file, and the type declared there; a union's tags are left out."""
    annotation: Any = root
    for depth, part in enumerate(loc):
        inner = _inside(annotation, part)
        if inner is None:
            return loc[:depth], annotation
        annotation = inner
    return loc, annotation


def keys_of(annotation: Any) -> list[str]:
    """Return the keys that a section knows; empty for anything that is no section."""
    section = _section(annotation)
    return [field.alias or name for name, field in section.model_fields.items()] if section else []


def shown(value: Any) -> str:
    """Return a value as the file would have it, shortened, without credentials."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = redacted(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _line(detail: ErrorDetails, root: type[BaseModel], where: str, annotation: Any) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(detail, annotation)
    if kind == "missing":
        return f"key '{_dotted(detail['loc'])}' is missing{_meaning(root, detail['loc'])}"
    if kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        return "\n".join(f"{where}: {line}" if where else line for line in message.splitlines())
    if kind == "too_short" and value:
        return ""  # its items are wrong, and named by lines of their own
    if detail["loc"][-1] == "[key]":
        return f"'{where}' is no name; allowed: {_allowed(detail)}"
    if isinstance(detail["loc"][-1], int):
        return f"'{where.rpartition('.')[0]}' holds {shown(value)}; allowed: {_allowed(detail)}{_nearest(detail)}"
    return f"'{where}' is {shown(value)}; allowed: {_allowed(detail, annotation)}{_nearest(detail)}"


def _unknown_key(detail: ErrorDetails, annotation: Any) -> str:
    known, key = keys_of(annotation), str(detail["loc"][-1])
    return f"unknown key '{_dotted(detail['loc'])}'{did_you_mean(key, known)} (known here: {', '.join(known)})"


def _allowed(detail: ErrorDetails, annotation: Any = None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in BOUNDS:
        name, words = BOUNDS[kind]
        return f"{words} {_number(context[name])}"
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), str(context["pattern"]))
    if kind == "too_short":
        names = _choices(annotation)
        return f"at least one of {', '.join(names)}" if names else "at least one entry"
    return KINDS.get(kind, detail["msg"].removeprefix("Input should be "))


def _joined(before: str, line: str) -> str:
    """Two findings on one key are the branches of a union: name what each allows."""
    return f"{before} or {line.partition('; allowed: ')[2]}"


def _source(where: str, replaced: Mapping[str, str]) -> str:
    return f" (set by the environment variable {replaced[where]})" if where in replaced else ""


def _nearest(detail: ErrorDetails) -> str:
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return ""
    expected = str(detail.get("ctx", {})["expected"]).replace(" or ", ", ")
    return did_you_mean(detail["input"], [name.strip("'") for name in expected.split(", ")])


def _meaning(root: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    section = _section(follow(root, loc[:-1])[1])
    fields = section.model_fields if section else {}
    texts = [f.description for name, f in fields.items() if loc[-1] in (name, f.alias) and f.description]
    return f": {texts[0][0].lower()}{texts[0][1:].rstrip('.')}" if texts else ""


def _inside(annotation: Any, part: int | str) -> Any:
    """Return the type of an entry of a section, a table or a list; None where there is none."""
    annotation = _bare(annotation)
    section = _section(annotation)
    if section:
        return next((f.annotation for name, f in section.model_fields.items() if part in (name, f.alias)), None)
    if get_origin(annotation) is dict and part != "[key]":
        return get_args(annotation)[1]
    return get_args(annotation)[0] if get_origin(annotation) is tuple and isinstance(part, int) else None


def _bare(annotation: Any) -> Any:
    """Take `Annotated` and `| None` off."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [argument for argument in get_args(annotation) if argument is not type(None)]
        return _bare(inner[0]) if len(inner) == 1 else annotation
    return annotation


def _section(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _choices(annotation: Any) -> list[str]:
    arguments = get_args(_bare(annotation))
    return [str(name) for name in get_args(arguments[0])] if arguments else []


def _dotted(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc))


def _number(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
