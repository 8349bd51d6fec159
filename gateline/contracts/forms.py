"""The two forms in which a schema may be written, brought to the full one."""

from __future__ import annotations

from typing import Any

from gateline.settings.errors import did_you_mean

NAMES = {
    **dict.fromkeys(
        ("integer", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), "integer"
    ),
    **dict.fromkeys(("number", "float", "float16", "float32", "float64", "double"), "number"),
    **dict.fromkeys(("string", "str", "object", "category"), "string"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("datetime", "datetime64", "datetime64[ns]", "datetime64[us]", "date", "timestamp"), "datetime"),
}
"""What the names of a column's type that people write stand for; upper and lower case are one."""


def full_form(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn `{"columns": ["a"], "dtypes": {"a": "int64"}, "max_null_percentage": 0.05}` into the form with one object a column.

    The full form comes back as it is, but for the names of types. Raises ValueError naming the key and what is allowed.
    """
    dtypes, nulls = _dtypes(raw), _nulls(raw)
    columns = raw.get("columns")
    if not isinstance(columns, list):
        raise ValueError(f"'columns' is {columns!r}; allowed: a list of names or of objects")
    rest = {key: value for key, value in raw.items() if key not in ("dtypes", "max_null_percentage")}
    full = [_column(column, dtypes, nulls) for column in columns]
    _refuse_strangers(dtypes, [str(column.get("name")) for column in full])
    return rest | {"columns": full}


def _column(column: Any, dtypes: dict[str, Any], nulls: float | None) -> dict[str, Any]:
    if not isinstance(column, str | dict):
        raise ValueError(f"'columns' holds {column!r}; allowed: a name or an object")
    body = {"name": column} if isinstance(column, str) else dict(column)
    name = str(body.get("name"))
    if "dtype" not in body and name in dtypes:
        body["dtype"] = dtypes[name]
    if isinstance(column, str) and "dtype" not in body:
        raise ValueError(
            f"'dtypes' names no type for column '{name}'; allowed: {', '.join(sorted(set(NAMES.values())))}"
        )
    if isinstance(body.get("dtype"), str):
        body["dtype"] = NAMES.get(body["dtype"].lower(), body["dtype"])
    return body if nulls is None else {"nullable": nulls, **body}


def _dtypes(raw: dict[str, Any]) -> dict[str, Any]:
    dtypes = raw.get("dtypes", {})
    if not isinstance(dtypes, dict):
        raise ValueError(f"'dtypes' is {dtypes!r}; allowed: an object of column name and type")
    return dtypes


def _nulls(raw: dict[str, Any]) -> float | None:
    nulls = raw.get("max_null_percentage")
    whole = isinstance(nulls, int | float) and not isinstance(nulls, bool)
    if nulls is None or (whole and 0 <= nulls <= 1):
        return nulls
    raise ValueError(f"'max_null_percentage' is {nulls!r}; allowed: a share from 0 to 1 (0.05 is five of a hundred)")


def _refuse_strangers(dtypes: dict[str, Any], names: list[str]) -> None:
    for name in dtypes:
        if name not in names:
            raise ValueError(f"'dtypes' names '{name}', which is no column{did_you_mean(name, names)}")
