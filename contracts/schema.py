"""The schema: one file behind data validation, the request model, load payloads, golden rows and drift's reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from settings.errors import UsageError, did_you_mean

Value = str | int | float | bool
Dtype = Literal["integer", "number", "string", "boolean", "datetime"]
NAMES: dict[str, Dtype] = {
    "integer": "integer",
    "int": "integer",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "number": "number",
    "float": "number",
    "float32": "number",
    "float64": "number",
    "double": "number",
    "string": "string",
    "str": "string",
    "object": "string",
    "category": "string",
    "boolean": "boolean",
    "bool": "boolean",
    "datetime": "datetime",
    "datetime64[ns]": "datetime",
    "date": "datetime",
}


class Column(BaseModel):
    """What is declared of one column. What is not declared is not judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
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
    key: bool = False
    """Part of the row's key: the key columns together are unique; never a feature."""
    public: bool = False
    """Whether reports may show values of this column."""
    description: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if self.categories is not None and not self.categories:
            raise ValueError("categories is empty; leave it out or name at least one")
        return self


class Schema(BaseModel):
    """All declared columns, in the order of a request's row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...] = Field(min_length=1)
    target: str = ""
    time: str = ""
    group: str = ""
    extra_columns: Literal["forbid", "allow"] = "forbid"
    """Whether the data may hold columns that are not declared; they are never features."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [column.name for column in self.columns]
        if len(names) != len(set(names)):
            raise ValueError("a column name stands twice")
        for role in ("target", "time", "group"):
            name = getattr(self, role)
            if name and name not in names:
                raise ValueError(f"{role} column '{name}' is not declared{did_you_mean(name, names)}")
        return self

    def column(self, name: str) -> Column:
        """Return one column by name; KeyError if it is not declared."""
        return {column.name: column for column in self.columns}[name]

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a request carries, in order: neither target nor time, group or key."""
        apart = {self.target, self.time, self.group}
        return tuple(column for column in self.columns if column.name not in apart and not column.key)

    @property
    def target_column(self) -> Column:
        """The declared target."""
        return self.column(self.target)

    def with_roles(self, *, target: str, time: str = "", group: str = "") -> Schema:
        """Return the schema with the columns that the settings give a part; raises UsageError for one that is not declared."""
        return parse(self.dump() | {"target": target, "time": time, "group": group}, "the columns named in [data]")

    def dump(self) -> dict[str, Any]:
        """Return the JSON form, defaults left out."""
        body = self.model_dump(mode="json", exclude_defaults=True)
        return body | {"columns": [column.model_dump(mode="json", exclude_defaults=True) for column in self.columns]}


def load(path: Path | str) -> Schema:
    """Read a schema file in either form. Raises UsageError naming the file and what is wrong."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such schema file", f"propose one: python -m contracts.schema infer data/train.csv > {path}"
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is not a JSON file: {error}", "mend the file") from None
    return parse(raw, str(path))


def parse(raw: Any, name: str = "schema") -> Schema:
    """Return the schema in `raw`, plain or full form. Raises UsageError."""
    if not isinstance(raw, dict):
        raise UsageError(f"{name}: holds {type(raw).__name__}; allowed: an object with 'columns'")
    try:
        return Schema.model_validate(_full_form(raw))
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, d['loc'])) or 'schema'}: {d['msg'].removeprefix('Value error, ')}"
            for d in error.errors()
        ]
        raise UsageError(f"{name}: " + "; ".join(lines), f"edit {name}") from None


def _full_form(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn `{"columns": ["a"], "dtypes": {"a": "int64"}, "max_null_percentage": 0.05}` into the form with one object a column."""
    raw = dict(raw)
    dtypes, nulls = raw.pop("dtypes", {}), raw.pop("max_null_percentage", None)
    columns = []
    for column in raw.get("columns", []):
        body = {"name": column} if isinstance(column, str) else dict(column)
        body.setdefault("dtype", dtypes.get(body.get("name"), "string" if isinstance(column, str) else None))
        body["dtype"] = NAMES.get(str(body["dtype"]), body["dtype"])
        if nulls is not None:
            body.setdefault("nullable", nulls)
        columns.append(body)
    return raw | {"columns": columns}
