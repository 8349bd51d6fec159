"""A column's values in its declared dtype, which of them are missing, and which are not of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.schema import Column, Dtype, Schema
from gateline.rows.parts import Part
from gateline.rows.text import (
    DATETIME, FALSE, INTEGER, LARGEST, LARGEST_INTEGER, NUMBER, TRUE, is_number, marks_of, trims, utc_of,
)  # fmt: skip
from gateline.rows.typed import Typed, series_of

Mask = npt.NDArray[np.bool_]
PANDAS: dict[Dtype, Any] = {
    "integer": "Int64",
    "number": "float64",
    "string": object,
    "boolean": "boolean",
    "datetime": "datetime64[us, UTC]",
}


def typed_of(part: Part, column: Column, schema: Schema | None = None) -> Typed | None:
    """Return a column of one file as declared, or None if the file does not hold it."""
    if column.name in part.table.column_names:
        series = series_of(part.table[column.name]).set_axis(list(part.numbers))
        return typed(series, column, schema, text=part.text)
    if column.name in part.partition:
        constant = pd.Series(part.partition[column.name], index=list(part.numbers), dtype="str")
        return typed(constant, column, schema, text=True)
    return None


def typed(series: pd.Series[Any], column: Column, schema: Schema | None = None, *, text: bool) -> Typed:
    """Return a column as declared. `text` says that the values are a CSV's; each distinct one is looked at once.

    What stands for a missing value is what the schema and the column list; without a schema, what is usual.
    """
    if not text:
        return _of_values(series, column, schema)
    codes, uniques = pd.factorize(series, use_na_sentinel=False)
    read = _of_text(pd.Series(uniques, dtype=object), column, schema)
    return Typed(read.values.take(codes).set_axis(series.index), read.missing[codes], read.wrong[codes], series)


def together(found: Sequence[Typed]) -> Typed:
    """Return the values of several files as one column."""
    if len(found) == 1:
        return found[0]
    return Typed(
        pd.concat([one.values for one in found]),
        np.concatenate([one.missing for one in found]),
        np.concatenate([one.wrong for one in found]),
        pd.concat([one.found.astype(object) for one in found]),
    )


def _of_text(found: pd.Series[Any], column: Column, schema: Schema | None) -> Typed:
    marks, dtype = marks_of(schema, column), column.dtype
    text = found.astype("str")
    trimmed = text.str.strip()
    missing = ((trimmed if trims(schema, dtype) else text).isin(marks) | text.isna()).to_numpy(bool)
    if dtype == "string":
        return Typed(text.astype(object).where(~missing, None), missing, np.zeros(len(text), dtype=bool), found)
    values = _parse(trimmed, dtype)
    if dtype in ("integer", "number"):
        missing = missing | _marked(values, marks)
        values = values.where(~missing)
    wrong = values.isna().to_numpy(bool) & ~missing
    return Typed(values, missing, wrong, found)


def _parse(text: pd.Series[Any], dtype: Dtype) -> pd.Series[Any]:
    """Return values of the dtype, missing where the text is not of its form."""
    if dtype == "boolean":
        return text.map({word: True for word in TRUE} | {word: False for word in FALSE}).astype("boolean")
    if dtype == "datetime":
        times = text.where(text.str.fullmatch(DATETIME))
        found = pd.to_datetime(times, format="ISO8601", utc=True, errors="coerce").astype(PANDAS["datetime"])
        # One text with nanoseconds makes pandas refuse days that are centuries away.
        for far in np.flatnonzero(found.isna() & times.notna()).tolist():
            moment = utc_of(times.iloc[far])
            if moment is not None:
                found.iloc[far] = pd.Timestamp(moment)
        return found
    if dtype == "number":
        numbers = pd.to_numeric(text.where(text.str.fullmatch(NUMBER))).astype("float64")
        good = ~(np.abs(numbers.to_numpy()) >= LARGEST_INTEGER)
        for place in np.flatnonzero(~good):
            good[place] = is_number(text.iloc[place])
        return numbers.where(good)
    # Python's own integers are exact above 2^53, where a detour over float is not.
    whole = text[text.str.fullmatch(INTEGER)].str.replace(r"\.0*$", "", regex=True).map(int).astype(object)
    return whole[whole.between(-LARGEST_INTEGER, LARGEST_INTEGER - 1)].astype("Int64").reindex(text.index)


def _marked(values: pd.Series[Any], marks: frozenset[str]) -> Mask:
    """Mark numbers that are listed as marks, however they are written: -999 and -999.0 are one."""
    numbers = pd.to_numeric(pd.Series(sorted(marks), dtype=object), errors="coerce").dropna()
    if numbers.empty:
        return np.zeros(len(values), dtype=bool)
    return np.isin(values.to_numpy(dtype="float64", na_value=np.nan), numbers.to_numpy(dtype="float64"))


def _of_values(series: pd.Series[Any], column: Column, schema: Schema | None) -> Typed:
    dtype, missing = column.dtype, series.isna().to_numpy(bool)
    kinds, none_wrong = pd.api.types, np.zeros(len(series), dtype=bool)
    if not _fits(series, dtype, missing):
        nothing = pd.Series([None] * len(series), index=series.index, dtype=PANDAS[dtype])
        return Typed(nothing, missing, ~missing, series)
    if kinds.is_string_dtype(series.dtype) and not missing.all():
        if dtype == "datetime":
            return _of_text(series, column, schema)
        if trims(schema, "string") or column.missing:
            # Empty, text of a Parquet file is a value where the schema does not list what is missing.
            missing = missing | series.astype("str").str.strip().isin(marks_of(schema, column)).to_numpy(bool)
        return Typed(series.astype(object).where(~missing, None), missing, none_wrong, series)
    if dtype in ("integer", "number"):
        return _of_numbers(series, column, marks_of(schema, column), missing)
    values = pd.to_datetime(series, utc=True) if dtype == "datetime" else series
    return Typed(values.astype(PANDAS[dtype]), missing, none_wrong, series)


def _of_numbers(series: pd.Series[Any], column: Column, marks: frozenset[str], missing: Mask) -> Typed:
    numbers = series.to_numpy(dtype="float64", na_value=np.nan)
    missing = missing | np.isnan(numbers) | _marked(pd.Series(numbers), marks)
    if column.dtype == "integer" and pd.api.types.is_integer_dtype(series.dtype):
        good = (series < LARGEST_INTEGER).fillna(False).to_numpy(bool) & ~missing
        kept = series.where(good, pd.NA) if not good.all() else series
        return Typed(kept.astype("Int64"), missing, ~good & ~missing, series)
    good = np.abs(numbers) <= LARGEST
    if column.dtype == "integer":
        good = good & (numbers == np.trunc(numbers)) & (np.abs(numbers) < LARGEST_INTEGER)
    good = good & ~missing
    kept = pd.Series(np.where(good, numbers, np.nan), index=series.index).astype(PANDAS[column.dtype])
    return Typed(kept, missing, ~good & ~missing, series)


def _fits(series: pd.Series[Any], dtype: Dtype, missing: Mask) -> bool:
    kinds = pd.api.types
    boolean = kinds.is_bool_dtype(series.dtype)
    string = kinds.is_string_dtype(series.dtype) and kinds.infer_dtype(series, skipna=True) == "string"
    return bool(
        missing.all()
        or (dtype in ("integer", "number") and kinds.is_numeric_dtype(series.dtype) and not boolean)
        or (dtype == "string" and string)
        or (dtype == "boolean" and boolean)
        or (dtype == "datetime" and (kinds.is_datetime64_any_dtype(series.dtype) or string))
    )


def seconds_of(times: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return POSIX seconds, shape (n,), NaN for missing."""
    micros = times.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    return np.where(times.isna(), np.nan, micros / 1e6)


def numbers_of(values: pd.Series[Any], column: Column) -> npt.NDArray[np.float64]:
    """Return a column that is not of strings as floats, shape (n,), NaN for missing; datetimes as POSIX seconds."""
    return seconds_of(values) if column.dtype == "datetime" else values.to_numpy(dtype="float64", na_value=np.nan)
