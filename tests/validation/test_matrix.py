"""Rows and targets as an estimator takes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.schema import parse
from gateline.settings.errors import UsageError
from tests.validation.weather import cells, frame, schema
from validation.matrix import features_of, target_of


def test_rows_are_in_schema_order_without_roles_and_keys() -> None:
    declared = schema(group="", time="")
    rows = features_of(cells(frame()[list(frame().columns[::-1])], declared), declared)
    assert rows.shape == (1000, 8) and rows.dtype == object
    taken, station, _, warmth, _, gusts, serial, night = rows[0]
    assert taken == 1704067200.0 and station == frame()["station"].iloc[0] and serial == "1-0-0"
    assert warmth == frame()["warmth"].iloc[0] and isinstance(night, float)
    assert {type(value) for value in rows[:, 5]} == {float} and np.isnan(rows[:, 5].astype(float)).sum() > 50
    assert None in rows[:, 2].tolist() and gusts == frame()["gusts"].iloc[0]


def test_missing_times_are_nan() -> None:
    times = pd.DataFrame({"x": pd.Series(["1970-01-01T00:00:01.5Z", None]), "y": [1, 0]})
    declared = parse({"columns": [{"name": "x", "dtype": "datetime"}, {"name": "y", "dtype": "integer"}], "target": "y"})
    (first,), (second,) = features_of(cells(times, declared), declared)
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
    target = target_of(cells(pd.DataFrame({"x": [0.0, 0.0], "y": values}), declared), declared, "rows.csv")
    assert target.tolist() == values and str(target.dtype) == kind


def test_missing_labels_are_refused() -> None:
    table = frame().astype({"rain": "Int64"})
    table.loc[0, "rain"] = pd.NA
    with pytest.raises(UsageError, match="1 of 1000 values of the target 'rain' are missing"):
        target_of(cells(table, schema()), schema(), "rows.csv")


def test_a_time_is_no_target() -> None:
    with pytest.raises(UsageError, match="is a datetime"):
        declared = schema(target="taken", time="")
        target_of(cells(frame(), declared), declared, "rows.csv")
