"""The quick way to read a body: it takes what is certainly right, and leaves all else to `Requests.parse`.

msgspec reads and checks a row in a tenth of the time that the generated pydantic model takes, but it has no words of ours
for what is wrong. So nothing is refused here: what this does not take is judged by the model, which alone says what is
allowed. What this takes, the model takes as well, as the same typed values; a test holds that over hostile bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from gateline.contracts.schema import Column, Schema
from service.columns import Row, checks, excluded, limits, posix_seconds

Check = Callable[[Any], Any]
"""Takes a value that has the right type, and returns it as it is typed; raises ValueError for one that is not allowed."""


class Asked(msgspec.Struct, gc=False):
    """What one request asks for."""

    rows: list[Row]
    single: bool
    """Whether the answer is one prediction, not a list."""


class Names(NamedTuple):
    """The names that one spelling of a row uses, and what reads it."""

    decode: Callable[[bytes], Any]
    names: list[str]
    """Of the columns, and behind them of what is ignored."""
    colons: int
    """In the names of a row that gives all columns and nothing else, one behind each included."""


class Decoder:
    """Reads bodies for one schema."""

    def __init__(self, schema: Schema, max_rows: int, defaults: Sequence[Any]) -> None:
        """`defaults` are the typed values, one a column, of what may be left out. Raises what msgspec raises for a type."""
        columns = schema.features
        names, former = [column.name for column in columns], [column.was or column.name for column in columns]
        spellings = [names] if former == names else [names, former]
        self._spellings = [_reader(schema, spelling, max_rows) for spelling in spellings]
        self._checks = [(place, check) for place, column in enumerate(columns) if (check := _check(column))]
        self._sentinels = [(place, excluded(column)) for place, column in enumerate(columns) if _has_sentinels_alone(column)]
        self._defaults = list(defaults)
        self._all_given = not any(column.may_be_left_out for column in columns)
        self._ignores = bool(schema.ignored)

    def decode(self, body: bytes) -> Asked | None:
        """Return what a body asks for; None for what is not surely right."""
        if b"\\" in body:
            return None  # an escape may hide a colon, or half a sign
        for spelling in self._spellings:
            try:
                asked = self._read(spelling, body)
            except (msgspec.DecodeError, ValueError, TypeError, OverflowError, RecursionError):
                continue
            if spelling is not self._spellings[0]:
                self._spellings = self._spellings[::-1]  # the next request is likely to be from the same client
            return asked
        return None

    def _read(self, spelling: Names, body: bytes) -> Asked | None:
        rows, single, named = _listed(spelling.decode(body))
        if self._names_stand_twice(spelling, body.count(b":"), rows, named):
            return None
        for row in rows:
            if self._ignores:
                del row[len(self._defaults) :]
            for place, sentinels in self._sentinels:
                if row[place] in sentinels:
                    return None
            for place, check in self._checks:
                value = row[place]
                if value is not None and value is not UNSET:
                    row[place] = check(value)
            if not self._all_given:
                row[:] = [default if value is UNSET else value for value, default in zip(row, self._defaults)]
        return Asked(rows, single)

    def _names_stand_twice(self, spelling: Names, colons: int, rows: list[Row], named: bool) -> bool:
        """msgspec keeps the last of two equal names. Each name is followed by a colon: there must be as many of them as the
        names that were kept have, and the texts hold."""
        if self._all_given and colons == 1 + named * len(rows) * spelling.colons:
            return False
        held = 1
        for row in rows:
            held += sum(value.count(":") for value in row if isinstance(value, str))
            if named:
                held += sum(1 + name.count(":") for name, value in zip(spelling.names, row) if value is not UNSET)
        return colons != held


def _reader(schema: Schema, names: Sequence[str], max_rows: int) -> Names:
    """Return what reads rows that call the columns so. What is ignored may be text, a number, a truth value or missing."""
    columns = schema.features
    types = [_type(column) for column in columns]
    fields: list[Any] = [
        (f"column_{place}", one | UnsetType, msgspec.field(name=name, default=UNSET))
        if column.may_be_left_out
        else (f"column_{place}", one, msgspec.field(name=name))
        for place, (column, one, name) in enumerate(zip(columns, types, names))
    ]
    plain = float | str | bool | None | UnsetType
    fields += [(f"ignored_{n}", plain, msgspec.field(name=name, default=UNSET)) for n, name in enumerate(schema.ignored)]
    row: Any = msgspec.defstruct("Row", fields, forbid_unknown_fields=True, kw_only=True, gc=False)
    ordered: Any = tuple.__class_getitem__(tuple(types))
    many: Any = Annotated[list[row], msgspec.Meta(min_length=1, max_length=max_rows)]
    forms = [("features", row | ordered | UnsetType, UNSET), ("rows", many | UnsetType, UNSET)]
    body: Any = msgspec.defstruct("Body", forms, forbid_unknown_fields=True, gc=False)
    colons = sum(1 + name.count(":") for name in names)
    return Names(msgspec.json.Decoder(body).decode, [*names, *schema.ignored], colons)


def _listed(asked: Any) -> tuple[list[Row], bool, bool]:
    """Return the rows, whether there is one outside of a list, and whether they are by name. Raises ValueError and TypeError
    where both forms are there, or neither is."""
    features, many = asked.features, asked.rows
    if many is not UNSET:
        if features is not UNSET:
            raise ValueError("both forms")
        return [list(astuple(row)) for row in many], False, True
    named = type(features) is not tuple
    return [list(astuple(features) if named else features)], True, named


def _type(column: Column) -> Any:
    """Return the type that msgspec checks; what it does not check is left to `_check`."""
    if column.dtype == "string":
        one: Any = Literal.__getitem__(column.categories) if column.categories else str
    elif column.dtype in ("boolean", "datetime"):
        one = bool if column.dtype == "boolean" else str
    else:
        low, high = limits(column)
        whole = 1.0 if column.dtype == "integer" else None
        one = Annotated[float, msgspec.Meta(ge=low, le=high, multiple_of=whole)]
    return one | None if column.nullable > 0 else one


def _check(column: Column) -> Check | None:
    """Return the check of what the type leaves open, or None. A missing value is not asked about: it was typed as one."""
    if _has_sentinels_alone(column) or column.dtype == "string" and not column.sentinels and column.pattern is None:
        return None
    further = checks(column)
    if column.dtype != "datetime":
        return further
    low, high = limits(column)

    def moment(value: str) -> float:
        seconds = posix_seconds(value)
        if (low is not None and seconds < low) or (high is not None and seconds > high):
            raise ValueError("beyond the limits")
        return float(further(seconds)) if further else seconds

    return moment


def _has_sentinels_alone(column: Column) -> bool:
    """Say whether a column's type and its sentinels are all that a value is held to: most columns of numbers are so."""
    return bool(column.sentinels) and column.dtype != "datetime" and column.categories is None and column.pattern is None
