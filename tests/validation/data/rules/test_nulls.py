"""Missing values against their limit, and values that stand for them."""

from __future__ import annotations

import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.weather import case, frame, one, schema
from validation.data.rules.nulls import nulls
from validation.data.rules.sentinel import sentinels


def test_missing_values_within_the_limit_pass() -> None:
    entry = one(nulls(case(frame(), frame(part=1))), Outcome.PASS)
    assert entry.required and entry.observed is not None


@pytest.mark.parametrize("column", ["warmth", "station", "night", "taken", "rain"])
def test_one_missing_value_fails_where_none_is_allowed(column: str) -> None:
    data = frame().astype({"night": "boolean", "rain": "Int64"})
    data.loc[3, column] = None
    entry = one(nulls(case(data)), Outcome.FAIL)
    assert (
        entry.subject == f"train: {column}"
        and entry.observed == 0.001
        and entry.limit == 0.0
        and "rows 4" in entry.reason
    )


def test_more_missing_values_than_allowed_fail() -> None:
    data = frame()
    data.loc[data.index % 4 == 0, "gusts"] = None
    entry = one(nulls(case(frame(), data)), Outcome.FAIL)
    assert (
        entry.subject == "test: gusts"
        and entry.limit == 0.2
        and isinstance(entry.observed, float)
        and entry.observed > 0.25
    )


def test_the_limit_itself_is_allowed() -> None:
    data = frame()
    data["sky"] = "fog"
    data.loc[:99, "sky"] = None
    assert one(nulls(case(data)), Outcome.PASS).observed == 0.1
    data.loc[100, "sky"] = None
    assert one(nulls(case(data)), Outcome.FAIL)


def test_no_rows_are_not_a_pass() -> None:
    assert one(nulls(case(frame(0))), Outcome.INCONCLUSIVE).required


def test_a_declared_sentinel_fails() -> None:
    data = frame()
    data.loc[data.index % 100 == 0, "warmth"] = -99
    entry = one(sentinels(case(data)), Outcome.FAIL)
    assert entry.subject == "train: warmth" and "10 of 1000" in entry.reason and "-99" in entry.reason


def test_no_sentinel_passes() -> None:
    assert one(sentinels(case(frame())), Outcome.PASS)


def test_a_repeated_value_outside_the_range_is_a_sentinel() -> None:
    data = frame()
    data.loc[data.index % 100 == 0, "pressure"] = -999
    assert one(sentinels(case(data)), Outcome.FAIL).subject == "train: pressure"


def test_different_values_outside_the_range_are_no_sentinel() -> None:
    data = frame()
    data.loc[:20, "pressure"] = data.loc[:20, "pressure"] * 1000
    assert one(sentinels(case(data)), Outcome.PASS)


def test_a_sentinel_among_times_and_words_that_cannot_be_numbers() -> None:
    declared = schema(taken={"sentinels": ["1970-01-01"]}, gusts={"sentinels": ["calm", -1]})
    data = frame()
    assert one(sentinels(case(data, declared=declared)), Outcome.PASS)
    data.loc[2, "taken"] = pd.Timestamp(0, tz="UTC")
    assert one(sentinels(case(data, declared=declared)), Outcome.FAIL).subject == "train: taken"


def test_a_sentinel_among_strings() -> None:
    declared = schema(sky={"sentinels": ["unknown"]})
    data = frame()
    assert one(sentinels(case(data, declared=declared)), Outcome.PASS)
    data.loc[2, "sky"] = "unknown"
    assert one(sentinels(case(data, declared=declared)), Outcome.FAIL).subject == "train: sky"
