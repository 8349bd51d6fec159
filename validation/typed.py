"""A column's values in its declared dtype, and which of them are not of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.schema import Column, Dtype
from contracts.text import DATETIME, FALSE, INTEGER, MISSING, NUMBER, TRUE

Mask = npt.NDArray[np.bool_]
PANDAS: dict[Dtype, Any] = {
    "integer": "Int64",
    "number": "float64",
    "string": object,
    "boolean": "boolean",
    "datetime": "datetime64[us, UTC]",
}


@dataclass(frozen=True)
class Typed:
    """Shape (n,) each. A value that is not of the dtype is missing in `values`, and not counted in `missing`."""

    values: pd.Series[Any]
    missing: Mask
    wrong: Mask

    @property
    def known(self) -> Mask:
        """Where there is a value of the declared dtype."""
        return ~(self.missing | self.wrong)


def typed(series: pd.Series[Any], column: Column, *, text: bool) -> Typed:
    """Return a column as declared. `text` says that the values are a CSV's; each distinct one is looked at once."""
    if not text:
        return _of_values(series, column.dtype)
    codes, uniques = pd.factorize(series)
    read = _of_text(pd.Series(uniques, dtype=object), column.dtype)
    unread = codes < 0
    values = read.values.take(np.where(unread, 0, codes)) if len(uniques) else read.values.reindex(range(len(codes)))
    values = values.set_axis(series.index)
    if unread.any():
        values[unread] = None
    missing = np.append(read.missing, True)[codes]
    wrong = np.append(read.wrong, False)[codes]
    return Typed(values, missing, wrong)


def _of_text(text: pd.Series[Any], dtype: Dtype) -> Typed:
    text = text.astype("str")
    if dtype == "string":
        missing = (text == "").to_numpy(bool)
        return Typed(text.astype(object).where(~missing, None), missing, np.zeros(len(text), dtype=bool))
    text = text.str.strip()
    missing = text.isin(MISSING).to_numpy(bool)
    values = _parse(text, dtype)
    wrong = values.isna().to_numpy(bool) & ~missing
    return Typed(values, missing, wrong)


def _parse(text: pd.Series[Any], dtype: Dtype) -> pd.Series[Any]:
    """Return values of the dtype, missing where the text is not of its form."""
    if dtype == "boolean":
        return text.map({word: True for word in TRUE} | {word: False for word in FALSE}).astype("boolean")
    if dtype == "datetime":
        times = text.where(text.str.fullmatch(DATETIME))
        return pd.to_datetime(times, format="ISO8601", utc=True, errors="coerce").astype(PANDAS["datetime"])
    if dtype == "number":
        numbers = pd.to_numeric(text.where(text.str.fullmatch(NUMBER))).astype("float64")
        return numbers.where(np.isfinite(numbers))
    whole = text.where(text.str.fullmatch(INTEGER)).str.replace(r"\.0*$", "", regex=True)
    return pd.Series([_int64(value) for value in whole], index=text.index, dtype="Int64")


def _int64(text: Any) -> Any:
    """Python's own integers are exact above 2^53, where a detour over float is not."""
    if not isinstance(text, str):
        return pd.NA
    number = int(text)
    return number if -(2**63) <= number < 2**63 else pd.NA


def _of_values(series: pd.Series[Any], dtype: Dtype) -> Typed:
    missing = series.isna().to_numpy(bool)
    wrong = np.where(missing, False, True) if not _fits(series, dtype, missing) else np.zeros(len(series), dtype=bool)
    if wrong.any():
        return Typed(pd.Series([None] * len(series), index=series.index, dtype=PANDAS[dtype]), missing, wrong)
    if dtype == "datetime" and pd.api.types.is_string_dtype(series.dtype) and not missing.all():
        return _of_text(series.astype("str").fillna(""), dtype)
    if dtype in ("integer", "number"):
        return _of_numbers(series, dtype, missing)
    if dtype == "string":
        return Typed(series.astype(object).where(~missing, None), missing, wrong)
    if dtype == "datetime":
        series = pd.to_datetime(series, utc=True)
    return Typed(series.astype(PANDAS[dtype]), missing, wrong)


def _of_numbers(series: pd.Series[Any], dtype: Dtype, missing: Mask) -> Typed:
    if dtype == "integer" and pd.api.types.is_integer_dtype(series.dtype):
        return Typed(series.astype("Int64"), missing, np.zeros(len(series), dtype=bool))
    numbers = series.to_numpy(dtype="float64", na_value=np.nan)
    good = np.isfinite(numbers) if dtype == "number" else np.isfinite(numbers) & (numbers == np.trunc(numbers))
    kept = pd.Series(np.where(good, numbers, np.nan), index=series.index)
    return Typed(kept.astype(PANDAS[dtype]), missing, ~good & ~missing)


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
