"""Rows and targets as an estimator takes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.schema import parse
from gateline.settings.errors import UsageError
from tests.validation.weather import frame, raw, schema
from validation.matrix import features_of, numbers_of, target_of


def test_rows_are_in_schema_order_without_roles_and_keys() -> None:
    declared = schema(group="", time="")
    table = pd.DataFrame(
        {column.name: values.values for column in declared.columns if (values := raw(frame()).typed(column))}
    )
    rows = features_of(table[list(table.columns[::-1])], declared)
    assert rows.shape == (1000, 8) and rows.dtype == object
    taken, station, _, warmth, _, gusts, serial, night = rows[0]
    assert taken == 1704067200.0 and station == frame()["station"].iloc[0] and serial == "1-0-0"
    assert warmth == frame()["warmth"].iloc[0] and isinstance(night, float)
    assert {type(value) for value in rows[:, 5]} == {float} and np.isnan(rows[:, 5].astype(float)).sum() > 50
    assert None in rows[:, 2].tolist() and gusts == frame()["gusts"].iloc[0]


def test_missing_times_are_nan() -> None:
    column = schema().column("taken")
    times = pd.Series([pd.Timestamp("1970-01-01T00:00:01.5Z"), pd.NaT]).astype("datetime64[us, UTC]")
    first, second = numbers_of(times, column)
    assert first == 1.5 and math.isnan(second)


@pytest.mark.parametrize(
    ("dtype", "values", "kind"),
    [
        ("integer", [1, 0], "int64"),
        ("number", [1.5, 2.0], "float64"),
        ("boolean", [True, False], "bool"),
        ("string", ["a", "b"], "object"),
    ],
)
def test_the_target_has_its_own_dtype(dtype: str, values: list[Any], kind: str) -> None:
    declared = parse({"columns": [{"name": "x", "dtype": "number"}, {"name": "y", "dtype": dtype}], "target": "y"})
    series = raw(pd.DataFrame({"x": [0.0, 0.0], "y": values})).typed(declared.column("y"))
    assert series is not None
    target = target_of(pd.DataFrame({"y": series.values}), declared, "rows.csv")
    assert target.tolist() == values and str(target.dtype) == kind


def test_missing_labels_are_refused() -> None:
    table = frame().astype({"rain": "Int64"})
    table.loc[0, "rain"] = pd.NA
    with pytest.raises(UsageError, match="1 of 1000 values of the target 'rain' are missing"):
        target_of(table, schema(), "rows.csv")


def test_a_time_is_no_target() -> None:
    with pytest.raises(UsageError, match="is a datetime"):
        target_of(frame(), schema(target="taken", time=""), "rows.csv")
