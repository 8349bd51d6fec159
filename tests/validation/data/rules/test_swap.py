"""Columns that changed places."""

from __future__ import annotations

import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from tests.validation.weather import COLUMNS, case, frame, one, schema
from validation.data.rules.swap import column_swap

BARE = schema(columns=[{"name": column["name"], "dtype": column["dtype"]} for column in COLUMNS])


def swapped(data: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return data.assign(**{a: data[b], b: data[a]})


def test_columns_in_their_places_pass() -> None:
    assert one(column_swap(case(frame(), frame(part=1))), Outcome.PASS)


def test_a_drifted_column_is_not_a_swapped_one() -> None:
    drifted = frame(part=1)
    drifted["warmth"] += 8
    assert one(column_swap(case(frame(), drifted)), Outcome.PASS)


@pytest.mark.parametrize(("a", "b"), [("warmth", "pressure"), ("gusts", "reading")])
def test_columns_swapped_in_test_fail_without_any_declaration(a: str, b: str) -> None:
    entry = one(column_swap(case(frame(), swapped(frame(part=1), a, b), declared=BARE)), Outcome.FAIL)
    assert set(entry.subject.removeprefix("test: ").split(", ")) == {a, b}


def test_strings_swapped_in_test_fail_without_any_declaration() -> None:
    train, test = (frame(part=part).assign(station=frame()["station"]) for part in (0, 1))
    entry = one(column_swap(case(train, swapped(test, "sky", "station"), declared=BARE)), Outcome.FAIL)
    assert entry.subject == "test: station, sky"


@pytest.mark.parametrize(("a", "b"), [("warmth", "pressure"), ("station", "sky")])
def test_columns_swapped_in_both_fail_by_what_is_declared(a: str, b: str) -> None:
    both = [swapped(frame(part=part), a, b) for part in (0, 1)]
    entries = column_swap(case(*both))
    assert [entry.subject for entry in entries] == [f"train: {a}, {b}", f"test: {a}, {b}"]


def test_columns_swapped_in_one_file_alone_fail_by_what_is_declared() -> None:
    assert one(column_swap(case(frame())), Outcome.PASS)
    assert one(column_swap(case(swapped(frame(), "warmth", "pressure"))), Outcome.FAIL)


def test_a_value_out_of_range_is_no_swap() -> None:
    data = frame()
    data.loc[0, "warmth"] = 950
    assert one(column_swap(case(data)), Outcome.PASS)


def test_a_few_values_out_of_range_are_no_swap_though_another_column_would_take_them() -> None:
    """Each of the two fits what is declared of the other alone; of a column's own, one value breaks it."""
    declared = schema(warmth={"maximum": 39}, pressure={"minimum": -100, "maximum": 1100})
    data = frame().assign(pressure=frame()["warmth"].clip(-25, 38))
    data.loc[0, "warmth"] = 39.5
    assert one(column_swap(case(data, declared=declared)), Outcome.PASS)


def test_one_file_with_nothing_declared_is_not_a_pass() -> None:
    assert one(column_swap(case(frame(), declared=BARE)), Outcome.INCONCLUSIVE)


def test_no_rows_are_not_a_pass() -> None:
    assert one(column_swap(case(frame(0), frame(part=1))), Outcome.INCONCLUSIVE)


NUMBERS = schema(
    columns=[{"name": name, "dtype": "number"} for name in ("reading", "warmth", "pressure", "gusts")],
    target="", time="", group="", extra_columns="allow",
)  # fmt: skip


def test_the_verdict_says_what_was_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    drifted = frame(part=1)
    for name in ("reading", "warmth", "pressure", "gusts"):
        drifted[name] = drifted[name].astype(float) + frame()[name].astype(float).std()
    assert one(column_swap(case(frame(), drifted, declared=NUMBERS)), Outcome.PASS).reason == "none of 6 pairs changed places"
    monkeypatch.setattr("validation.data.rules.swap.MOST_PAIRS", 1)
    some = one(column_swap(case(frame(), drifted, declared=NUMBERS)), Outcome.PASS).reason
    assert some == "none of 6 pairs changed places; 5 pairs of columns that moved, the least of all, were not compared"


def test_of_many_pairs_those_that_moved_most_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.data.rules.swap.MOST_PAIRS", 1)
    test = swapped(frame(part=1).assign(gusts=frame()["gusts"] + 10, reading=frame()["reading"] + 300), "warmth", "pressure")
    assert one(column_swap(case(frame(), test, declared=NUMBERS)), Outcome.FAIL).subject == "test: warmth, pressure"
