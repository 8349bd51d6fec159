"""What is proposed for rows that nobody has described, before anything is made."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateline.settings.errors import UsageError
from infra.commands.answers import Answers
from template.adopting.proposal import Proposal, propose

Rows = list[dict[str, Any]]
ASKED = Answers("p", "classification", "rows.csv", "left", task_given=False)


def customers(count: int = 1200) -> Rows:
    """Customers with a key, a date in order, a word, a number, and whether they left."""
    chance, found = random.Random(1), Rows()
    for i in range(count):
        seen, plan, spend = date(2025, 1, 1) + timedelta(days=i // 4), chance.choice(["basic", "pro"]), chance.randint(5, 200)
        leaves = (plan == "basic") + spend / 100 + chance.gauss(0, 0.5) > 1.6
        found.append(
            {"customerID": 50_001 + i, "seen_on": str(seen), "plan": plan, "spend": spend, "left": "yes" if leaves else "no"}
        )
    return found


@pytest.fixture
def proposed(tmp_path: Path) -> Callable[..., Proposal]:
    """Return a function that writes rows and proposes a project for them."""

    def of(rows: Rows, answers: Answers = ASKED, **changed: Any) -> Proposal:
        path = tmp_path / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return propose(path, replace(answers, **changed))

    return of


def test_rows_become_parts_schema_and_settings(proposed: Callable[..., Proposal]) -> None:
    found = proposed(customers())
    assert (found.train.rows, found.test.rows, found.kind) == (900, 300, "binary")
    assert [column.name for column in found.schema.features] == ["plan", "spend"]
    assert (found.schema.target, found.schema.time) == ("left", "seen_on") and found.schema.column("customerID").key
    assert found.settings["metrics.positive"] == "yes" and found.settings["metrics.primary"] == "roc_auc"
    assert found.settings["data.time"] == "seen_on" and found.settings["data.train"] == "data/train.csv"
    assert found.said[:2] == (
        "900 rows to train on, 300 to test on: the latest by seen_on (the only column of dates)",
        "the positive class is 'yes': by its word",
    )
    assert max(found.train.texts("seen_on")) < min(found.test.texts("seen_on"))


def test_keys_have_no_range_and_no_request_has_them(proposed: Callable[..., Proposal]) -> None:
    rows = [row | {"account": f"C{i:05d}", "spend_id": i % 300} for i, row in enumerate(customers())]
    found = proposed(rows)
    declared = {column.name: column for column in found.schema.columns}
    for name in ("customerID", "account"):
        assert declared[name].key and declared[name].pattern is None
        assert declared[name].minimum is None and declared[name].maximum is None
    assert declared["spend_id"].maximum is None and declared["spend"].maximum is not None
    assert [column.name for column in found.schema.features] == ["plan", "spend", "spend_id"]
    assert any("'customerID': is taken for the row's key (it is different in every row and" in line for line in found.said)
    assert any("'spend_id': is named like a key and repeats" in line for line in found.said)


def test_rows_without_a_label_are_left_out_and_counted(proposed: Callable[..., Proposal]) -> None:
    rows = customers()
    for row in rows[::60]:
        row["left"] = "NA"
    found = proposed(rows)
    assert found.train.rows + found.test.rows == 1180 and "20 rows have no left: they are left out" in found.said
    assert found.schema.column("left").categories == ("no", "yes") and not found.schema.column("left").nullable


def test_one_class_of_two_spellings_is_one_and_counted(proposed: Callable[..., Proposal]) -> None:
    rows = customers()
    yes = [row for row in rows if row["left"] == "yes"]
    for row in yes[:7]:
        row["left"] = "YES"
    found = proposed(rows, positive="Yes")
    assert found.schema.column("left").categories == ("no", "yes") and found.settings["metrics.positive"] == "yes"
    same = "'left': 'YES' is 'yes' but for capitals or blanks: taken for the same class (rows"
    assert any(same in line for line in found.said)
    with pytest.raises(UsageError, match="there is no column 'lft'; did you mean 'left'"):
        proposed(rows, target="lft")


def test_a_few_rows_without_a_time_are_left_out_and_counted(proposed: Callable[..., Proposal]) -> None:
    rows = customers()
    for row, gap in zip(rows[100:], ["", "NULL", "2025-02-30"]):
        row["seen_on"] = gap
    found = proposed(rows)
    assert found.schema.time == "seen_on" and found.train.rows + found.test.rows == 1197
    assert "note: 3 rows have no date in 'seen_on': they are left out" in found.said


def test_a_date_of_birth_is_passed_by_and_can_be_asked_for(proposed: Callable[..., Proposal]) -> None:
    chance = random.Random(3)
    rows = [{"born": str(date(1950, 1, 1) + timedelta(days=chance.randrange(20_000)))} | row for row in customers()]
    found = proposed(rows)
    assert found.schema.time == "seen_on" and any("'born' is not taken for the time: a date of birth" in s for s in found.said)
    assert proposed(rows, time="born").schema.time == "born"
    assert proposed(rows, time="none").schema.time == ""
    with pytest.raises(UsageError, match="--time is 'seen', which is not a date column; did you mean 'seen_on'") as refused:
        proposed(rows, time="seen")
    assert "born, seen_on, none" in refused.value.next_step
    dateless = [{name: value for name, value in row.items() if name != "seen_on"} for row in customers()]
    with pytest.raises(UsageError, match="not a date column") as refused:
        proposed(dateless, time="seen_on")
    assert refused.value.next_step == "leave --time out: no column holds dates"


def test_one_date_for_all_is_no_time(proposed: Callable[..., Proposal]) -> None:
    found = proposed([row | {"seen_on": "2025-06-30"} for row in customers()])
    assert found.schema.time == "" and "data.time" in found.settings and found.settings["data.time"] is None
    assert any("'seen_on' is not taken for the time: it is 2025-06-30 in every row" in line for line in found.said)


def test_months_are_dates(proposed: Callable[..., Proposal]) -> None:
    found = proposed([row | {"seen_on": str(row["seen_on"])[:7]} for row in customers()])
    assert found.schema.time == "seen_on" and 0.1 <= found.test.rows / 1200 <= 0.4


def test_a_moment_that_is_never_before_the_time_is_no_feature(proposed: Callable[..., Proposal]) -> None:
    rows = customers()
    for i, row in enumerate(rows):
        row["closed"] = str(date.fromisoformat(row["seen_on"]) + timedelta(days=i % 3)) if i % 5 else ""
    found = proposed(rows)
    assert not found.schema.column("closed").feature and any("never before 'seen_on'" in line for line in found.said)


def test_the_rarer_class_is_positive_and_can_be_given(proposed: Callable[..., Proposal]) -> None:
    rows = [row | {"left": "fraud" if i % 33 == 0 else "legit"} for i, row in enumerate(customers(4000))]
    found = proposed(rows)
    assert found.settings["metrics.positive"] == "fraud" and found.kind == "rare"
    assert "the positive class is 'fraud': the rarer of the two" in found.said
    other = proposed(rows, positive="legit")
    assert other.settings["metrics.positive"] == "legit" and other.kind == "binary"


@pytest.mark.parametrize(
    ("labels", "positive"), [((0, 1), 1), ((2, 1), 2), (("true", "false"), True), (("1.0", "0.0"), 1), (("a", "b"), "a")]
)
def test_a_positive_class_is_written_as_the_schema_writes_it(
    proposed: Callable[..., Proposal], labels: tuple[Any, Any], positive: Any
) -> None:
    rows = [row | {"left": labels[0 if i % 3 == 0 else 1]} for i, row in enumerate(customers())]
    found = proposed(rows).settings["metrics.positive"]
    assert found == positive and type(found) is type(positive)


def test_a_label_written_in_two_ways_is_one(proposed: Callable[..., Proposal]) -> None:
    found = proposed([row | {"left": ("1", "0", "1.0")[i % 3]} for i, row in enumerate(customers())])
    assert found.kind == "binary" and found.settings["metrics.positive"] == 1


def test_many_classes_and_numbers_have_no_positive(proposed: Callable[..., Proposal]) -> None:
    many = [row | {"left": "abc"[i % 3]} for i, row in enumerate(customers())]
    assert proposed(many).settings["metrics.positive"] is None
    prices = [row | {"left": row["spend"] + 0.5} for row in customers()]
    assert proposed(prices, task="regression").kind == "number"
    for rows, task in ((many, "classification"), (prices, "regression")):
        with pytest.raises(UsageError, match="--positive is 'a', but"):
            proposed(rows, positive="a", task=task)


def test_a_quantity_asks_for_regression(proposed: Callable[..., Proposal]) -> None:
    with pytest.raises(UsageError, match="different whole numbers from") as refused:
        proposed([row | {"left": 100 + i % 400} for i, row in enumerate(customers())])
    assert "--task=regression" in refused.value.next_step


def test_what_stands_for_missing_can_be_given(proposed: Callable[..., Proposal]) -> None:
    rows = [row | {"plan": "NA" if i % 4 == 0 else "DE"} for i, row in enumerate(customers())]
    assert proposed(rows).schema.column("plan").categories == ("DE",)
    kept = proposed(rows, missing="NULL,?")
    assert kept.schema.column("plan").categories == ("DE", "NA") and kept.schema.missing == ("NULL", "?")


def test_ranges_never_ask_for_what_cannot_be(proposed: Callable[..., Proposal]) -> None:
    found = proposed([row | {"hour": i % 24, "month": i % 12 + 1, "rate": i % 97 / 100} for i, row in enumerate(customers())])
    for name, bounds in (("hour", (0, 23)), ("month", (1, 12)), ("rate", (0, 1))):
        assert (found.schema.column(name).minimum, found.schema.column(name).maximum) == bounds, name
