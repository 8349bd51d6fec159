"""Single values: dtype, range, category, pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.weather import COLUMNS, case, frame, one, raw, schema
from validation.data.rules.values import categories, dtypes, patterns, ranges


def bare() -> list[dict[str, str]]:
    return [{"name": column["name"], "dtype": column["dtype"]} for column in COLUMNS]


@pytest.mark.parametrize("rule", [dtypes, ranges, categories, patterns])
def test_good_values_pass(rule: object) -> None:
    assert callable(rule)
    entry = one(rule(case(frame(), frame(part=1))), Outcome.PASS)
    assert entry.sample and entry.sample >= 2000 - 100


@pytest.mark.parametrize("rule", [ranges, categories, patterns])
def test_nothing_declared_is_not_a_pass(rule: object) -> None:
    assert callable(rule)
    entry = one(rule(case(frame(), declared=schema(columns=bare()))), Outcome.INCONCLUSIVE)
    assert entry.reason == "nothing declared" and not entry.required


def test_no_rows_are_not_a_pass() -> None:
    assert one(dtypes(case(frame(0))), Outcome.INCONCLUSIVE).required


@pytest.mark.parametrize("column", ["warmth", "gusts", "taken", "night", "reading"])
def test_values_of_another_dtype_fail(column: str) -> None:
    data = frame()
    data[column] = "about " + data[column].astype("str")
    entry = one(dtypes(case(data)), Outcome.FAIL)
    assert entry.subject == f"train: {column}" and entry.observed == 1.0 and entry.limit == 0.0


def test_numbers_written_as_text_in_a_typed_file_fail() -> None:
    data = frame()
    data["warmth"] = data["warmth"].astype("str")
    assert one(dtypes(case(data)), Outcome.FAIL).subject == "train: warmth"


def test_fractions_in_a_whole_number_column_fail() -> None:
    data = frame()
    data["gusts"] = data["gusts"].astype("float64")
    assert one(dtypes(case(data)), Outcome.PASS)
    data.loc[6, "gusts"] = 2.5
    entry = one(dtypes(case(data)), Outcome.FAIL)
    assert "rows 7" in entry.reason


def test_infinity_is_not_a_number_to_learn_from() -> None:
    data = frame()
    data.loc[3, "pressure"] = np.inf
    assert "rows 4" in one(dtypes(case(data)), Outcome.FAIL).reason


def test_a_changed_unit_fails_the_range_and_says_where() -> None:
    data = frame()
    data["pressure"] = data["pressure"].where(np.arange(len(data)) % 50 != 9, data["pressure"] * 1000)
    entry = one(ranges(case(data)), Outcome.FAIL)
    assert entry.subject == "train: pressure" and entry.observed == 0.02 and entry.sample == 1000
    assert "20 of 1000 (2 %)" in entry.reason and "900 to 1100" in entry.reason
    assert "rows 10, 60, 110, 160, 210 and 15 more" in entry.reason
    assert entry.next_step


def test_values_are_shown_of_public_columns_alone() -> None:
    data = frame()
    data.loc[0, ["warmth", "pressure"]] = [77.25, 1777.25]
    hot, dense = ranges(case(data))
    assert "77.25" in hot.reason and "1777.25" not in dense.reason


@pytest.mark.parametrize(("low", "high", "good", "bad"), [(0, None, 0.0, -0.5), (None, 5, 5.0, 5.5)])
def test_a_range_open_at_one_end(low: float | None, high: float | None, good: float, bad: float) -> None:
    declared = schema(
        columns=[{"name": "x", "dtype": "number", "minimum": low, "maximum": high}], target="", time="", group=""
    )
    data = pd.DataFrame({"x": [good] * 10})
    assert one(ranges(case(data, declared=declared)), Outcome.PASS)
    data.loc[0, "x"] = bad
    assert one(ranges(case(data, declared=declared)), Outcome.FAIL)


def test_a_new_category_fails() -> None:
    data = frame()
    data.loc[data.index % 33 == 0, "sky"] = "hail"
    entry = one(categories(case(frame(), data)), Outcome.FAIL)
    assert entry.subject == "test: sky" and "hail" in entry.reason


@pytest.mark.parametrize("value", [2, -1])
def test_a_new_label_fails(value: int) -> None:
    data = frame()
    data.loc[5, "rain"] = value
    assert one(categories(case(data)), Outcome.FAIL).subject == "train: rain"


def test_a_value_that_matches_only_in_part_fails_the_pattern() -> None:
    data = frame()
    data.loc[8, "station"] = "SA-0011"
    entry = one(patterns(case(data)), Outcome.FAIL)
    assert "rows 9" in entry.reason and "SA-0011" not in entry.reason


def test_a_missing_column_is_left_to_the_columns_rule() -> None:
    assert one(ranges(case(raw(frame().drop(columns="warmth")))), Outcome.PASS)
