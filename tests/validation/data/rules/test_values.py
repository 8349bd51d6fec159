"""Rules on the values of a column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.weather import COLUMNS, case, frame, one, raw, schema
from validation.data.rules.values import categories, dtypes, nulls, patterns, ranges, sentinels, unique


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


def test_no_rows_are_not_a_pass_of_nulls() -> None:
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


def test_different_values_pass() -> None:
    assert one(unique(case(frame(), frame(part=1))), Outcome.PASS)


def test_the_same_key_in_train_and_test_is_another_rules_matter() -> None:
    assert one(unique(case(frame(), frame())), Outcome.PASS)


def test_duplicate_keys_fail_with_the_later_row() -> None:
    data = frame()
    data.loc[[10, 20], "reading"] = [5, 5]
    entry = one(unique(case(data)), Outcome.FAIL)
    assert entry.subject == "train: reading" and entry.observed == 0.002 and "rows 11, 21" in entry.reason
    assert "the first: 5" in entry.reason


def test_a_repeated_value_of_a_unique_column_fails_unseen() -> None:
    data = frame()
    data.loc[10, "serial"] = "1-0-3"
    entry = one(unique(case(data)), Outcome.FAIL)
    assert entry.subject == "train: serial" and "1-0-3" not in entry.reason


def test_missing_values_of_a_unique_column_do_not_repeat_each_other() -> None:
    data = frame()
    data.loc[:10, "serial"] = None
    assert one(unique(case(data)), Outcome.PASS)


@pytest.mark.parametrize(("second", "outcome"), [([1, 2, 1, 2], Outcome.PASS), ([1, 1, 1, 2], Outcome.FAIL)])
def test_key_columns_are_judged_together(second: list[int], outcome: Outcome) -> None:
    columns = [{"name": name, "dtype": "integer", "key": True} for name in "ab"]
    declared = schema(columns=columns, target="", time="", group="")
    data = pd.DataFrame({"a": [1, 1, 2, 2], "b": second})
    assert one(unique(case(data, declared=declared)), outcome)


def test_nothing_declared_is_not_a_pass_of_unique() -> None:
    declared = schema(reading={"key": False}, serial={"unique": False})
    assert one(unique(case(frame(), declared=declared)), Outcome.INCONCLUSIVE).reason == "nothing declared"


def test_no_rows_are_not_a_pass_of_unique() -> None:
    assert one(unique(case(frame(0))), Outcome.INCONCLUSIVE)
