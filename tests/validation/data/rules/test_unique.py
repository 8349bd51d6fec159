"""Unique columns and keys."""

from __future__ import annotations

import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.weather import case, frame, one, schema
from validation.data.rules.unique import unique


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


def test_nothing_declared_is_not_a_pass() -> None:
    declared = schema(reading={"key": False}, serial={"unique": False})
    assert one(unique(case(frame(), declared=declared)), Outcome.INCONCLUSIVE).reason == "nothing declared"


def test_no_rows_are_not_a_pass() -> None:
    assert one(unique(case(frame(0))), Outcome.INCONCLUSIVE)
