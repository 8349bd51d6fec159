"""A column as declared: its values as numbers that can be computed with, which are missing, which are not of its dtype."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateline.contracts.schema import Column, Schema
from gateline.rows.buffers import Mask, arrow_of, nulls, numbers, truths
from gateline.rows.text import FALSE, LARGEST, LARGEST_INTEGER, NUMBER, TRUE, is_integer, is_number, marks_of, trims, utc_of

Numbers = npt.NDArray[Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS: dict[str, Any] = {"integer": np.int64, "number": np.float64, "boolean": np.int64, "datetime": np.int64}
MOST_KNOWN = 2**16
"""Texts of one column that are remembered from batch to batch."""
_infinite = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE).fullmatch


@dataclass(frozen=True)
class Cells:
    """Shape (n,) each. Where a value is missing or wrong, what `values` hold means nothing."""

    column: Column
    values: Numbers
    """Whole numbers, booleans and microseconds since 1970 as int64, numbers as float64; of strings, the places in `words`."""
    missing: Mask | None
    """Where there is no value; None where all are there."""
    wrong: Mask | None
    """Where a value is not of the declared dtype; None where all are."""
    written: Callable[[], pa.Array]
    """Returns the values as they were read: of a CSV file, the text."""
    words: pa.Array | pa.ChunkedArray | None = None
    """The different strings."""

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def unknown(self) -> Mask | None:
        """Where there is no value of the declared dtype; None where there is one everywhere."""
        return either(self.missing, self.wrong)

    @cached_property
    def known(self) -> Numbers:
        """The values of the declared dtype alone."""
        return self.values if self.unknown is None else self.values[~self.unknown]

    def known_of(self, mask: Mask) -> Mask:
        """Return a mask of rows without those that have no value of the declared dtype."""
        return mask if self.unknown is None else mask & ~self.unknown

    @cached_property
    def floats(self) -> npt.NDArray[np.float64]:
        """Numbers, NaN where there is none; booleans as 0 and 1, datetimes as POSIX seconds."""
        found = self.values / 1e6 if self.column.dtype == "datetime" else self.values.astype(np.float64)
        return found if self.unknown is None else np.where(self.unknown, np.nan, found)

    @cached_property
    def texts(self) -> list[str]:
        """The different strings, at the places that `values` names."""
        return self.words.to_pylist() if self.words is not None else []

    @property
    def objects(self) -> npt.NDArray[np.object_]:
        """Strings as Python has them, None where there is none."""
        texts = self.texts
        places = self.values if self.unknown is None else np.where(self.unknown, len(texts), self.values)
        return np.array([*texts, None], dtype=object)[places]

    def kept(self, rows: Mask) -> Cells:
        """Return some rows."""
        missing, wrong = (None if mask is None else mask[rows] for mask in (self.missing, self.wrong))
        return replace(self, values=self.values[rows], missing=missing, wrong=wrong)

    def found(self, rows: Numbers, most: int) -> list[Any]:
        """Return the first different values of some rows, as they were read."""
        first = pc.unique(self.written().take(arrow_of(np.asarray(rows, dtype=np.int64)))).slice(0, most).to_pylist()
        return [_as_pandas(value) for value in first]

    def written_at(self, row: int) -> Any:
        """Return one value as it was read; of a typed file, a missing one as pandas has it."""
        array = self.written().slice(row, 1)
        if not array[0].is_valid:
            return _absent(array.type)
        narrow = pa.types.is_float16(array.type) or pa.types.is_float32(array.type)
        return numbers(array)[0] if narrow else _as_pandas(array[0].as_py())

    def value(self, row: int) -> Any:
        """Return a known value as Python has it."""
        number = self.values[row]
        if self.column.dtype == "string":
            return self.texts[int(number)]
        if self.column.dtype == "boolean":
            return bool(number)
        return _moment(int(number)) if self.column.dtype == "datetime" else number.item()


def moment(micros: int) -> datetime:
    """Return the moment so many microseconds after 1970, in UTC."""
    return _moment(micros)


class Reading:
    """How a column is read: the marks of its missing values, and the texts that were looked at before."""

    def __init__(self, column: Column, schema: Schema) -> None:
        self.column = column
        self.marks = marks_of(schema, column)
        self.trims = trims(schema, column.dtype)
        self.lists = trims(schema, "string") or bool(column.missing)
        listed = (_number_of(mark) for mark in self.marks) if column.dtype in ("integer", "number") else ()
        self.numeric = np.array(sorted({number for number in listed if number is not None}))
        self.known: dict[str, tuple[Any, bool, bool]] = {}

    def cells(self, array: pa.Array, *, text: bool, written: Callable[[], pa.Array]) -> Cells:
        """Return what an array of a file holds; `text` says that it is a CSV file's."""
        if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
            array = array.cast(pa.string())
        if not text:
            return self._of_values(array, written)
        if pa.types.is_int64(array.type) or pa.types.is_float64(array.type):
            return self._of_numbers(numbers(array), nulls(array), None, written)
        return self._of_text(array, written)

    def _of_text(self, array: pa.Array, written: Callable[[], pa.Array]) -> Cells:
        codes, words = _encoded(array)
        texts = [text or "" for text in words.to_pylist()]
        absent = nulls(array)
        if self.column.dtype == "string":
            lost = np.array([(text.strip() if self.trims else text) in self.marks for text in texts], dtype=bool)
            missing = lost[codes] if lost.any() else None
            return Cells(self.column, codes, either(missing, absent), None, written, words)
        read = [self._read(text) for text in texts]
        values = np.array([value for value, _, _ in read], dtype=KINDS[self.column.dtype])
        lost, bad = (np.array([one[place] for one in read], dtype=bool) for place in (1, 2))
        wrong = bad[codes] if bad.any() else None
        if wrong is not None and absent is not None:
            wrong &= ~absent
        missing = either(lost[codes] if lost.any() else None, absent)
        every = values[codes] if len(values) else np.zeros(len(codes), values.dtype)
        return Cells(self.column, every, missing, wrong, written)

    def _read(self, text: str) -> tuple[Any, bool, bool]:
        """Return a text's value, whether it is missing, and whether it is not of the dtype."""
        found = self.known.get(text)
        if found is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            value = None if text.strip() in self.marks else value_of(text, self.column.dtype)
            missing = text.strip() in self.marks or (value is not None and self._is_marked(value))
            found = self.known[text] = (0 if value is None or missing else value, missing, value is None and not missing)
        return found

    def _is_marked(self, value: Any) -> bool:
        return bool(len(self.numeric)) and float(value) in self.numeric

    def _of_values(self, array: pa.Array, written: Callable[[], pa.Array]) -> Cells:
        dtype, kind, size = self.column.dtype, array.type, len(array)
        absent = nulls(array)
        stored = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_null(kind):
            nothing = np.zeros(size, KINDS.get(dtype, np.int64))
            words = pa.nulls(0, pa.string()) if dtype == "string" else None
            return Cells(self.column, nothing, np.ones(size, dtype=bool), None, written, words)
        if pa.types.is_floating(kind):
            absent = either(absent, np.isnan(_floats(array)))
        if not _fits(dtype, stored):
            wrong = np.ones(size, dtype=bool) if absent is None else ~absent
            words = pa.nulls(0, pa.string()) if dtype == "string" else None
            return Cells(self.column, np.zeros(size, KINDS.get(dtype, np.int64)), absent, wrong, written, words)
        if pa.types.is_string(stored):
            if dtype == "datetime":
                return self._of_text(array, written)
            codes, words = _encoded(array)
            if self.lists:
                lost = np.array([(text or "").strip() in self.marks for text in words.to_pylist()], dtype=bool)
                absent = either(lost[codes] if lost.any() else None, absent)
            return Cells(self.column, codes, absent, None, written, words)
        if dtype in ("integer", "number"):
            if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
                return self._of_numbers(numbers(array.cast(pa.int64())), absent, None, written)
            return self._of_large(array, absent, written)
        return Cells(self.column, _whole(array, dtype), absent, None, written)

    def _of_large(self, array: pa.Array, missing: Mask | None, written: Callable[[], pa.Array]) -> Cells:
        """Floats, and whole numbers up to 2^64, some of which the dtype does not hold."""
        found = _floats(array)
        marked = np.isin(found, self.numeric) if len(self.numeric) else None
        missing = either(missing, marked if marked is not None and marked.any() else None)
        good = np.abs(found) <= LARGEST
        if self.column.dtype == "integer":
            good &= (found == np.trunc(found)) & (np.abs(found) < LARGEST_INTEGER)
            if pa.types.is_uint64(array.type):
                fits = pc.less(array, pa.scalar(LARGEST_INTEGER, pa.uint64()))
                good = truths(fits.fill_null(False))
        bad = ~good if missing is None else ~good & ~missing
        if self.column.dtype == "integer":
            kept = np.where(good, found, 0.0).astype(np.int64)
            if pa.types.is_uint64(array.type):
                whole = numbers(array.fill_null(0))
                kept = np.where(good, whole, 0).astype(np.int64)
            return Cells(self.column, kept, missing, bad if bad.any() else None, written)
        return Cells(self.column, np.where(good, found, 0.0), missing, bad if bad.any() else None, written)

    def _of_numbers(
        self, values: Numbers, missing: Mask | None, wrong: Mask | None, written: Callable[[], pa.Array]
    ) -> Cells:
        if self.column.dtype == "number" and values.dtype != np.float64:
            values = values.astype(np.float64)
        if len(self.numeric):
            marked = np.isin(values.astype(np.float64), self.numeric)
            if marked.any():
                missing = either(missing, marked)
        return Cells(self.column, values, missing, wrong, written)


def value_of(text: str, dtype: str) -> Any:
    """Return what a text means as a value of a dtype that is not `string`, None where it is not of it.

    Datetimes are microseconds since 1970, booleans 0 and 1.
    """
    plain = text.strip()
    if dtype == "integer":
        return int(plain.partition(".")[0]) if is_integer(plain) else None
    if dtype == "number":
        return float(plain) if is_number(plain) else None
    if dtype == "boolean":
        return 1 if plain in TRUE else 0 if plain in FALSE else None
    found = utc_of(plain)
    return None if found is None else micros_of(found)


def micros_of(when: datetime) -> int:
    """Return microseconds since 1970."""
    gone = when - EPOCH
    return (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds


def _moment(micros: int) -> datetime:
    from datetime import timedelta

    return EPOCH + timedelta(microseconds=micros)


def _number_of(mark: str) -> float | None:
    plain = mark.strip()
    return float(plain) if re.fullmatch(NUMBER, plain) or _infinite(plain) else None


def either(one: Mask | None, other: Mask | None) -> Mask | None:
    """Return where one of two masks holds; None where neither does anywhere."""
    if one is None or other is None:
        return one if other is None else other
    return one | other


def _encoded(array: pa.Array) -> tuple[Numbers, pa.Array]:
    found = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    if len(found.dictionary) > len(found):  # One dictionary for many batches of a Parquet file.
        found = found.dictionary_decode().dictionary_encode()
    codes = found.indices.fill_null(0) if found.indices.null_count else found.indices
    words = found.dictionary if len(found.dictionary) or not len(found) else pa.repeat("", 1)
    return numbers(codes), words


def _floats(array: pa.Array) -> npt.NDArray[np.float64]:
    found, absent = numbers(array.cast(pa.float64(), safe=False)), nulls(array)
    return found if absent is None else np.where(absent, np.nan, found)


def _whole(array: pa.Array, dtype: str) -> Numbers:
    """Return booleans as 0 and 1, days and times as microseconds since 1970."""
    if dtype == "boolean":
        return truths(array).astype(np.int64)
    zone = getattr(array.type, "tz", None)
    return numbers(array.cast(pa.timestamp("us", zone), safe=False).view(pa.int64()))


def _fits(dtype: str, kind: pa.DataType) -> bool:
    types = pa.types
    fitting: Mapping[str, bool] = {
        "integer": types.is_integer(kind) or types.is_floating(kind),
        "number": types.is_integer(kind) or types.is_floating(kind),
        "string": types.is_string(kind),
        "boolean": types.is_boolean(kind),
        "datetime": types.is_timestamp(kind) or types.is_date(kind) or types.is_string(kind),
    }
    return fitting[dtype]


def _absent(kind: pa.DataType) -> str | None:
    """Return how a missing value of a typed file is shown."""
    types = pa.types
    if types.is_integer(kind) or types.is_boolean(kind):
        return "<NA>"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "NaT"
    return None if types.is_null(kind) or types.is_nested(kind) else "nan"


def _as_pandas(value: Any) -> Any:
    """Return a value as it is shown: a day is its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value
