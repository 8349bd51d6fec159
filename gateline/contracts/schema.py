"""The schema: one file behind data validation, the request model, load payloads, golden rows and drift's reference."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.explain import explain

Value = str | int | float | bool
Dtype = Literal["integer", "number", "string", "boolean", "datetime"]
ROLES = ("target", "time", "group")
DTYPES = {
    **dict.fromkeys("integer int int8 int16 int32 int64 uint8 uint16 uint32 uint64".split(), "integer"),
    **dict.fromkeys("number float float16 float32 float64 double".split(), "number"),
    **dict.fromkeys("string str object category".split(), "string"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys("datetime datetime64 datetime64[ns] datetime64[us] date timestamp".split(), "datetime"),
}
"""What the names of a column's type that people write stand for; upper and lower case are one."""


class Column(BaseModel):
    """What is declared of one column. What is not declared is not judged."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    dtype: Dtype
    nullable: float = Field(default=0.0, ge=0.0, le=1.0)
    """Largest share of missing values."""
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Value, ...] | None = None
    pattern: str | None = None
    """Regular expression that every whole value matches."""
    unique: bool = False
    sentinels: tuple[Value, ...] = ()
    """Values that stand for 'missing' elsewhere and must not appear."""
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing value in this column, besides those of the schema; of a number, however it is written."""
    key: bool = False
    """Part of the row's key: the key columns together are unique; never a feature."""
    feature: bool = True
    """Whether the model sees it; where not, it is judged in the data, and no request carries it."""
    public: bool = False
    """Whether reports may show values of this column."""
    description: str = ""
    default: Value | None = None
    """What a request that leaves the column out means; declared (null too, where it is nullable), it may be left out."""
    was: str = ""
    """The column's former name, under which a request may still carry it."""

    @property
    def may_be_left_out(self) -> bool:
        """Whether a request need not carry the column."""
        return "default" in self.model_fields_set

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        if self.dtype in ("string", "boolean") and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"a {self.dtype} column has no minimum or maximum; remove it, or change dtype")
        if self.categories is not None:
            _check_categories(self.dtype, self.categories)
        if self.pattern is not None:
            _check_pattern(self.dtype, self.pattern)
        if self.may_be_left_out:
            _check_default(self)
        return self

    def dump(self) -> dict[str, Any]:
        """Return the JSON form, what is not declared left out."""
        said = {"default": self.default} if self.may_be_left_out else {}
        return self.model_dump(mode="json", exclude_defaults=True) | said


def _check_categories(dtype: Dtype, categories: tuple[Value, ...]) -> None:
    if not categories:
        raise ValueError("categories is empty; leave it out or name at least one")
    twice = [value for value in categories if categories.count(value) > 1]
    if twice:
        raise ValueError(f"categories names {twice[0]!r} twice")
    for value in categories:
        if dtype in ("integer", "number", "string") and isinstance(value, str) != (dtype == "string"):
            raise ValueError(f"categories holds {value!r}, which is no {dtype}")


def _check_pattern(dtype: Dtype, pattern: str) -> None:
    if dtype != "string":
        raise ValueError(f"pattern is declared, but dtype is '{dtype}'; allowed: for string columns")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is no regular expression: {error}") from None


def _is_of(dtype: Dtype, value: Value) -> bool:
    if dtype in ("integer", "number"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (dtype == "number" or float(value).is_integer())
    if dtype == "datetime":
        try:
            return isinstance(value, str) and datetime.fromisoformat(value) is not None
        except ValueError:
            return False
    return isinstance(value, bool if dtype == "boolean" else str)


def _check_default(column: Column) -> None:
    """A request without the column is answered as if it held this value, so it must be one that a request may hold."""
    value, where = column.default, f"default is {json.dumps(column.default)}"
    if value is None:
        if not column.nullable:
            raise ValueError(f"{where}, but the column is never missing; name a value, or set nullable")
        return
    if not _is_of(column.dtype, value):
        raise ValueError(f"{where}, which is no {column.dtype}")
    if column.categories is not None and value not in column.categories:
        raise ValueError(f"{where}, which is not among the categories")
    if isinstance(value, str) and column.pattern is not None and not re.fullmatch(column.pattern, value):
        raise ValueError(f"{where}, which does not match the pattern {column.pattern!r}")
    low, high = column.minimum, column.maximum
    if not isinstance(value, str) and ((low is not None and value < low) or (high is not None and value > high)):
        raise ValueError(f"{where}, which is outside of the range")
    if value in column.sentinels:
        raise ValueError(f"{where}, which is a sentinel: it stands for 'missing'")


class Schema(BaseModel):
    """All declared columns, in the order of a request's row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...] = Field(min_length=1)
    target: str = ""
    time: str = ""
    group: str = ""
    extra_columns: Literal["forbid", "allow"] = "forbid"
    """Whether the data may hold columns that are not declared; they are never features."""
    missing: tuple[str, ...] | None = None
    """Texts that stand for a missing value in every column, blanks around them left out; the empty text always does. Without
    it, NA, NULL and their like do for numbers, truth values and dates, and of strings the empty text alone."""

    ignored: tuple[str, ...] = ()
    """Names that a request may carry besides the features, and that are left out: columns that the model no longer takes."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [column.name for column in self.columns]
        if len(names) != len(set(names)):
            raise ValueError("a column name stands twice")
        for role in ROLES:
            name = getattr(self, role)
            if name and name not in names:
                raise ValueError(f"{role} column '{name}' is not declared{did_you_mean(name, names)}")
        if self.target and self.target in (self.time, self.group):
            raise ValueError(
                f"target column '{self.target}' is also the time or group column; allowed: columns that differ"
            )
        if self.target and not self.features:
            raise ValueError("no column is left to predict from: all are target, time, group, key or no feature")
        self._refuse_names_of_two_meanings()
        return self

    def _refuse_names_of_two_meanings(self) -> None:
        """A name in a request is a feature, a former name of one, or ignored."""
        meanings = [(column.name, f"the feature '{column.name}'") for column in self.features]
        meanings += [(column.was, f"the former name of '{column.name}'") for column in self.features if column.was]
        known: dict[str, str] = {}
        for name, meaning in [*meanings, *((name, "ignored") for name in self.ignored)]:
            if name in known:
                raise ValueError(f"in a request '{name}' would be {known[name]} and {meaning}; allowed: one of them")
            known[name] = meaning

    def column(self, name: str) -> Column:
        """Return one column by name; KeyError if it is not declared."""
        return {column.name: column for column in self.columns}[name]

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a request carries, in order: neither target nor time, group, key or declared to be none."""
        apart = {self.target, self.time, self.group}
        seen = (column for column in self.columns if column.feature and not column.key)
        return tuple(column for column in seen if column.name not in apart)

    @property
    def target_column(self) -> Column:
        """The declared target."""
        return self.column(self.target)

    def with_roles(self, *, target: str, time: str = "", group: str = "") -> Schema:
        """Return the schema with the columns that the settings give a part. Raises UsageError for one that is not declared."""
        roles = {"target": target, "time": time, "group": group}
        return _parse(
            self.dump() | roles, "the columns named in [data]", "change [data] in pipeline.toml, or the schema"
        )

    def dump(self) -> dict[str, Any]:
        """Return the JSON form, defaults left out."""
        body = self.model_dump(mode="json", exclude_defaults=True)
        return body | {"columns": [column.dump() for column in self.columns]}


def load(path: Path | str) -> Schema:
    """Read a schema file in either form. Raises UsageError naming the file and what is wrong."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such schema file", f"propose one: python -m gateline.contracts.schema infer data/train.csv > {path}"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "make it a readable file") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON in UTF-8: {error}", "fix the file") from None
    return parse(raw, str(path))


def parse(raw: Any, name: str = "schema") -> Schema:
    """Return the schema in `raw`, plain or full form. Raises UsageError naming the column, the key and what is allowed."""
    return _parse(raw, name, f"edit {name}")


def _parse(raw: Any, name: str, next_step: str) -> Schema:
    if not isinstance(raw, dict):
        raise UsageError(f"{name}: holds {type(raw).__name__}; allowed: an object with 'columns'", next_step)
    body: dict[str, Any] = {}
    try:
        body = full_form(raw)
        return Schema.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        lines = [_named(line, body["columns"]) for line in explain(error, Schema, {})]
    except ValueError as error:
        lines = [str(error)]
    raise UsageError(f"{name}: {lines[0]}" if len(lines) == 1 else "\n    ".join([f"{name}:", *lines]), next_step)


def full_form(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn `{"columns": ["a"], "dtypes": {"a": "int64"}, "max_null_percentage": 0.05}` into the form with one object a column.

    The full form comes back as it is, but for the names of types. Raises ValueError naming the key and what is allowed.
    """
    rest = dict(raw)
    columns, dtypes, nulls = rest.get("columns"), rest.pop("dtypes", {}), rest.pop("max_null_percentage", None)
    if not isinstance(dtypes, dict):
        raise ValueError(f"'dtypes' is {dtypes!r}; allowed: an object of column name and type")
    is_share = isinstance(nulls, int | float) and not isinstance(nulls, bool) and 0 <= nulls <= 1
    if nulls is not None and not is_share:
        raise ValueError(f"'max_null_percentage' is {nulls!r}; allowed: a share from 0 to 1 (0.05 is five of a hundred)")
    if not isinstance(columns, list):
        raise ValueError(f"'columns' is {columns!r}; allowed: a list of names or of objects")
    full = [_full_column(column, dtypes) for column in columns]
    names = [str(column.get("name")) for column in full]
    for name in dtypes:
        if name not in names:
            raise ValueError(f"'dtypes' names '{name}', which is no column{did_you_mean(name, names)}")
    return rest | {"columns": full if nulls is None else [{"nullable": nulls, **column} for column in full]}


def _full_column(column: Any, dtypes: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(column, str | dict):
        raise ValueError(f"'columns' holds {column!r}; allowed: a name or an object")
    body = {"name": column} if isinstance(column, str) else dict(column)
    name = str(body.get("name"))
    if "dtype" not in body and name in dtypes:
        body["dtype"] = dtypes[name]
    if isinstance(column, str) and "dtype" not in body:
        raise ValueError(f"'dtypes' names no type for column '{name}'; allowed: {', '.join(sorted(set(DTYPES.values())))}")
    if isinstance(body.get("dtype"), str):
        body["dtype"] = DTYPES.get(body["dtype"].lower(), body["dtype"])
    return body


def _named(line: str, columns: list[dict[str, Any]]) -> str:
    """Say `columns.dest` where the validator says `columns.3`."""
    return re.sub(r"(?<=\bcolumns\.)[0-9]+", lambda found: str(columns[int(found[0])].get("name", found[0])), line)


if __name__ == "__main__":
    # The command kept its name when the reader of data became a package of its own, which this one must not import.
    import importlib

    from gateline.settings.front_door import front_door

    raise SystemExit(front_door(lambda: int(importlib.import_module("gateline.rows.infer").main())))
