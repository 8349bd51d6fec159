"""The column that says when is chosen by name, range and order, and the reason is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from template.adopting.moments import Choice, Moments, choose, cut, never_before

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2025, 1, 1, tzinfo=UTC)
ROWS = 400


def days(name: str, *, first: datetime = START, over: int = 300, shuffled: bool = False, seed: int = 1) -> Moments:
    """A column of 400 dates spread over some days."""
    values = [first + timedelta(days=i * over // ROWS) for i in range(ROWS)]
    if shuffled:
        random.Random(seed).shuffle(values)
    return Moments(name, values)


def born(name: str) -> Moments:
    return days(name, first=datetime(1950, 1, 1, tzinfo=UTC), over=20_000, shuffled=True)


def chosen(*columns: Moments) -> Choice:
    return choose(columns, NOW)


def test_an_only_date_is_the_time() -> None:
    assert chosen(days("x", shuffled=True)) == Choice("x", "the only column of dates")


@pytest.mark.parametrize("name", ["born", "date_of_birth", "dateOfBirth", "DOB", "Geburtsdatum", "bd"])
@pytest.mark.parametrize("other", ["joined", "y"])
def test_a_date_of_birth_is_passed_by_under_any_name(name: str, other: str) -> None:
    choice = chosen(born(name), days(other, shuffled=True, seed=2))
    assert choice.time == other and "birth" in dict(choice.passed)[name]
    assert chosen(born(name)).time == ""


def test_a_plan_is_not_when_a_row_happened() -> None:
    choice = chosen(days("valid_until", shuffled=True), days("x", shuffled=True, seed=3))
    assert choice.time == "x" and "planned" in dict(choice.passed)["valid_until"]
    future = days("y", first=datetime(2026, 6, 1, tzinfo=UTC))
    assert chosen(future, days("x")).time == "x" and "after today" in dict(chosen(future).passed)["y"]


def test_the_order_of_the_rows_decides_before_the_name() -> None:
    choice = chosen(days("updated", shuffled=True), days("a", shuffled=True, seed=4), days("b"))
    assert (choice.time, choice.reason) == ("b", "the rows are in its order")
    assert chosen(days("a", shuffled=True), Moments("b", days("b").values[::-1])).time == "b", "backwards is an order, too"


def test_of_two_in_no_order_the_one_whose_name_says_when() -> None:
    choice = chosen(days("closed_on", shuffled=True), days("created_at", shuffled=True, seed=5))
    assert (choice.time, choice.reason) == ("created_at", "its name says when")


def test_history_in_order_may_span_lifetimes() -> None:
    assert chosen(days("x", first=datetime(1900, 1, 1, tzinfo=UTC), over=40_000)).time == "x"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([START] * ROWS, "2025-01-01 in every row, which parts nothing"),
        ([START] * 200 + [START + timedelta(days=30)] * 200, "parts the rows badly: 200 of 400 have 2025-01-01"),
        ([None] * 5 + [*days("x").values[5:]], "5 of 400 rows have no date"),
    ],
)
def test_what_parts_nothing_is_no_time(values: list[datetime | None], says: str) -> None:
    choice = chosen(Moments("x", values))
    assert choice.time == "" and says in dict(choice.passed)["x"]


def test_a_few_gaps_are_no_reason_to_pass_by_the_time() -> None:
    assert chosen(Moments("x", [None] * 4 + [*days("x").values[4:]])).time == "x"


def test_months_part_rows_where_one_of_them_ends_near_a_quarter() -> None:
    months = [START + timedelta(days=31 * (i // 100)) for i in range(ROWS)]
    assert cut(months) == months[299] and chosen(Moments("month", months)).time == "month"


def test_more_rows_come_after_where_a_gate_asks_for_them() -> None:
    given = [value for value in days("x").values if value is not None]
    after = [sum(value > (cut(given, 0.25, fewest) or START) for value in given) for fewest in (0, 140)]
    assert abs(after[0] - 100) <= 2 and 140 <= after[1] <= 142


def test_a_moment_that_is_never_before_the_time_is_known_too_late() -> None:
    time = days("opened")
    later = [value + timedelta(days=i % 3) if value and i % 5 else None for i, value in enumerate(time.values)]
    assert never_before(Moments("closed", later), time) and not never_before(time, time)
    around = [value + timedelta(days=i % 3 - 1) if value else None for i, value in enumerate(time.values)]
    assert not never_before(Moments("seen", around), time)
