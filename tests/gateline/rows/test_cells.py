"""Columns of a batch say the same as columns that are made for pandas."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gateline.contracts.schema import Column, Dtype, Schema
from gateline.rows.cells import Reading, moment
from gateline.rows.typed import typed
from tests.validation.data.oracle.typed import typed as as_before

TEXTS = [
    *("", " ", "NA", "null", "NaN", "?", "x", "1", "0", "-7", "+3", "12.", "4.00", " 5 ", "1.5", "1e3", "-.5", "inf", "1e999"),
    *("3.5e38", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1_0", "0x1F", "true", "FALSE", "yes"),
    *("2024-01-01", "2024-01-01T10:00Z", "2024-01-01 10:00:00.123+02:00", "2024-13-01", "2024-02-30", "20240101", "-999"),
    *("1969-12-31T23:59:59.5Z", "0001-01-01", "9999-12-31", "-999.0", "1677-01-01", "2300-01-01T00:00:00.1234567+00:30"),
]
DTYPES: tuple[Dtype, ...] = ("integer", "number", "string", "boolean", "datetime")


def schema_of(dtype: Dtype, marks: tuple[str, ...] | None, own: tuple[str, ...]) -> tuple[Column, Schema]:
    column = Column(name="x", dtype=dtype, missing=own)
    return column, Schema(columns=(column,), missing=marks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("marks", [None, (), ("NA", "?", "-999")])
@pytest.mark.parametrize("own", [(), ("-999", "x", "inf")])
def test_text_is_read_as_before(dtype: Dtype, marks: tuple[str, ...] | None, own: tuple[str, ...]) -> None:
    column, schema = schema_of(dtype, marks, own)
    texts = random.Random(1).choices(TEXTS, k=400)
    before = as_before(pd.Series(texts, dtype="str"), column, schema, text=True)
    array = pa.array(texts)
    now = Reading(column, schema).cells(array, text=True, written=lambda: array)
    missing = np.zeros(400, dtype=bool) if now.missing is None else now.missing
    wrong = np.zeros(400, dtype=bool) if now.wrong is None else now.wrong
    assert missing.tolist() == before.missing.tolist() and wrong.tolist() == before.wrong.tolist()
    for row in np.flatnonzero(before.known).tolist():
        was = before.values.iloc[row]
        assert now.value(row) == (was.to_pydatetime() if dtype == "datetime" else was), texts[row]
    whole = typed(column, [now])
    pd.testing.assert_series_equal(whole.values, before.values.set_axis(whole.values.index))
    assert whole.found.tolist() == texts


def test_moments_before_1970_and_far_away() -> None:
    assert str(moment(-1)) == "1969-12-31 23:59:59.999999+00:00"
    assert str(moment(0)) == "1970-01-01 00:00:00+00:00"


def test_values_are_shown_as_they_were_read() -> None:
    column, schema = schema_of("number", None, ())
    texts = pa.array(["1.50", "1.5", "1.50", "7"])
    cells = Reading(column, schema).cells(texts, text=True, written=lambda: texts)
    assert cells.found(np.arange(4), 2) == ["1.50", "1.5"] and cells.written_at(3) == "7"
    days = pa.array([1, None], pa.date32())
    cells = Reading(Column(name="x", dtype="datetime"), schema).cells(days, text=False, written=lambda: days)
    assert [str(cells.written_at(row)) for row in (0, 1)] == ["1970-01-02 00:00:00", "NaT"]
