"""Text and typed values against declared dtypes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gateline.contracts.schema import Column, Dtype, Schema
from gateline.rows.cells import Reading
from gateline.rows.typed import Typed, typed


def read(series: pd.Series[Any], column: Column, schema: Schema | None = None, *, text: bool) -> Typed:
    """Return a column that is read in two batches."""
    reading, array = Reading(column, schema or Schema(columns=(column,))), pa.array(series, from_pandas=True)
    pieces = [array[: len(array) // 2], array[len(array) // 2 :]]
    return typed(column, [reading.cells(piece, text=text, written=partial(piece.slice, 0)) for piece in pieces])


def of_text(dtype: Dtype, *texts: str | None) -> Typed:
    return read(pd.Series(texts, dtype="str"), Column(name="x", dtype=dtype), text=True)


def of_values(dtype: Dtype, values: list[Any], kind: Any = None) -> Typed:
    return read(pd.Series(values, dtype=kind), Column(name="x", dtype=dtype), text=False)


@pytest.mark.parametrize(
    ("dtype", "texts"),
    [
        ("integer", ["0", "-7", "+3", "12.", "4.00", " 5 "]),
        ("number", ["0", "-.5", "1.", "1e3", "2.5E-3", " 7 "]),
        ("boolean", ["true", "FALSE", "0", "1"]),
        ("datetime", ["2024-01-01", "2024-01-01T10:00Z", "2024-01-01 10:00:00.123+02:00"]),
        ("string", ["NA", "null", " ", "1"]),
    ],
)
def test_text_of_the_dtype(dtype: Dtype, texts: list[str]) -> None:
    found = of_text(dtype, *texts)
    assert found.known.all() and not found.values.isna().any()


@pytest.mark.parametrize(
    ("dtype", "texts"),
    [
        ("integer", ["1.5", "1e3", "a", "9223372036854775808", "1,000", "true", "0x1"]),
        ("number", ["inf", "1e999", "1,5", "12 min", "--1", "1_000"]),
        ("boolean", ["yes", "2", "t"]),
        ("datetime", ["01/02/2024", "2024-13-01", "2024-02-30", "20240101", "10:00", "1704067200"]),
    ],
)
def test_text_of_another_dtype(dtype: Dtype, texts: list[str]) -> None:
    found = of_text(dtype, *texts)
    assert found.wrong.all() and not found.missing.any() and found.values.isna().all()


@pytest.mark.parametrize("dtype", ["integer", "number", "boolean", "datetime"])
def test_missing_text(dtype: Dtype) -> None:
    found = of_text(dtype, "", "NA", "null", "NaN", None)
    assert found.missing.all() and not found.wrong.any()


def test_a_missing_string_is_the_empty_one_alone() -> None:
    found = of_text("string", "", "NA", None, "x")
    assert found.missing.tolist() == [True, False, True, False]
    assert found.values.tolist() == [None, "NA", None, "x"]


@pytest.mark.parametrize("dtype", ["integer", "number", "boolean", "datetime", "string"])
def test_no_rows(dtype: Dtype) -> None:
    assert len(of_text(dtype).values) == len(of_values(dtype, []).values) == 0


@pytest.mark.parametrize(
    ("dtype", "values", "kind"),
    [
        ("integer", [1, 2], "int8"),
        ("integer", [1.0, None], "float64"),
        ("integer", [None, None], object),
        ("number", [1, 2], "Int64"),
        ("number", [1.5, None], "Float64"),
        ("boolean", [True, None], "boolean"),
        ("string", ["a", None], object),
        ("datetime", ["2024-01-01", None], "datetime64[ns]"),
        ("datetime", ["2024-01-01", None], "str"),
    ],
)
def test_typed_values_of_the_dtype(dtype: Dtype, values: list[Any], kind: str) -> None:
    found = of_values(dtype, values, kind)
    assert not found.wrong.any() and found.missing.tolist() == [value is None for value in values]


@pytest.mark.parametrize(
    ("dtype", "values", "kind"),
    [
        ("integer", [1.5], "float64"),
        ("integer", ["1"], "str"),
        ("integer", [True], "bool"),
        ("number", ["1.5"], "str"),
        ("number", [float("inf")], "float64"),
        ("boolean", [1], "int64"),
        ("string", [1], "int64"),
        ("string", [["a"]], object),
        ("datetime", [5], "int64"),
        ("datetime", ["soon"], "str"),
    ],
)
def test_typed_values_of_another_dtype(dtype: Dtype, values: list[Any], kind: str) -> None:
    found = of_values(dtype, values, kind)
    assert found.wrong.tolist() == [True] and found.values.isna().all()


def listed(*marks: str, dtype: Dtype = "string", own: tuple[str, ...] = ()) -> tuple[Column, Schema]:
    column = Column(name="x", dtype=dtype, missing=own)
    return column, Schema(columns=(column,), missing=marks)


@pytest.mark.parametrize("dtype", ["integer", "number", "boolean", "datetime", "string"])
def test_what_is_missing_is_what_the_schema_lists_in_columns_of_every_dtype(dtype: Dtype) -> None:
    column, schema = listed("?", dtype=dtype)
    found = read(pd.Series(["?", " ? ", "", "  ", "NA"], dtype="str"), column, schema, text=True)
    assert found.missing.tolist() == [True, True, True, True, False]
    assert found.wrong.tolist()[4] == (dtype != "string")


def test_a_column_lists_marks_of_its_own_numbers_however_they_are_written() -> None:
    column, schema = listed(dtype="number", own=("-999", "soon", "inf"))
    found = read(pd.Series(["-999.0", "soon", "NA", "1.5"], dtype="str"), column, schema, text=True)
    assert found.missing.tolist() == [True, True, False, False] and found.wrong.tolist() == [False, False, True, False]
    found = read(pd.Series([-999.0, float("inf"), 1e300, 1.5]), column, schema, text=False)
    assert found.missing.tolist() == [True, True, False, False] and found.wrong.tolist() == [False, False, True, False]


def test_text_of_a_parquet_file_is_missing_where_the_schema_lists_it() -> None:
    column, schema = listed("NA")
    values = pd.Series(["", " ", "NA", None, "x"], dtype="str")
    assert read(values, column, schema, text=False).missing.tolist() == [True, True, True, True, False]
    assert read(values, column, text=False).missing.tolist() == [False, False, False, True, False]


def test_the_text_that_was_found_is_kept() -> None:
    assert of_text("integer", "7", "about180").found.tolist() == ["7", "about180"]
