"""What test rows share with training rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.verdict import Outcome
from gateline.settings import DataGate
from tests.validation.weather import case, frame, one, schema
from validation.data.rules.leak import leak_group, leak_rows, leak_time

STATION = str(frame()["station"].iloc[0])


def with_train_rows(share: float) -> pd.DataFrame:
    """Return test rows of which a share was copied from train, each with a key of its own."""
    copied = int(share * 1000)
    taken = pd.concat([frame().sample(copied, random_state=3), frame(1000 - copied, part=1)], ignore_index=True)
    return taken.assign(reading=np.arange(1000) + 5000)


@pytest.mark.parametrize(
    ("share", "outcome"), [(0, Outcome.PASS), (0.01, Outcome.PASS), (0.05, Outcome.FAIL), (1, Outcome.FAIL)]
)
def test_test_rows_that_stand_in_train(share: float, outcome: Outcome) -> None:
    entry = one(leak_rows(case(frame(), with_train_rows(share))), outcome)
    assert entry.observed == share and entry.limit == 0.01 and entry.sample == 1000


def test_the_share_is_a_setting() -> None:
    assert one(leak_rows(case(frame(), with_train_rows(0.05), gate=DataGate(max_shared_rows=0.05))), Outcome.PASS)


def copied_back(share: float, **moved: pd.Timedelta) -> pd.DataFrame:
    """Return training rows of which a share are the latest test rows, under another key and other times."""
    copied = int(share * 1000)
    taken = frame(part=1).tail(copied)
    other = {name: taken[name] - by for name, by in moved.items()}
    return pd.concat([frame(1000 - copied), taken.assign(reading=np.arange(copied) + 9000, **other)], ignore_index=True)


@pytest.mark.parametrize(
    ("share", "outcome"), [(0, Outcome.PASS), (0.01, Outcome.PASS), (0.05, Outcome.FAIL), (0.5, Outcome.FAIL)]
)
@pytest.mark.parametrize("by", [pd.Timedelta(days=900), pd.Timedelta(seconds=1)])
def test_test_rows_that_stand_in_train_under_another_time(share: float, outcome: Outcome, by: pd.Timedelta) -> None:
    entry = one(leak_rows(case(copied_back(share, taken=by), frame(part=1))), outcome)
    assert entry.sample == 1000
    if outcome is Outcome.FAIL:
        assert entry.observed == share and "also stand in train under another time" in entry.reason
        assert "data.group" in entry.next_step


def test_a_time_that_has_no_part_to_play_may_be_another_too() -> None:
    train, test = copied_back(0.05, taken=pd.Timedelta(days=3)), frame(part=1)
    found = one(leak_rows(case(train, test, declared=schema(time="", group=""))), Outcome.FAIL)
    assert "under another time" in found.reason


@pytest.mark.parametrize("dtype", ["integer", "number", "string"])
def test_a_time_that_is_counted_or_text_may_be_another_too(dtype: str) -> None:
    def written(rows: pd.DataFrame) -> pd.DataFrame:
        months = (rows["taken"].dt.year * 100 + rows["taken"].dt.month).astype("Int64")
        return rows.assign(taken=months.astype({"integer": "Int64", "number": "float64"}.get(dtype, "string")))

    columns = [one | ({"dtype": dtype} if one["name"] == "taken" else {}) for one in schema().dump()["columns"]]
    declared, test = schema(columns=columns, group=""), written(frame(part=1))
    for share, outcome in ((0.05, Outcome.FAIL), (0.0, Outcome.PASS)):
        train = written(copied_back(share, taken=pd.Timedelta(days=900)))
        found = one(leak_rows(case(train, test, declared=declared)), outcome)
        assert ("under another time" in found.reason) is bool(share)


def visits(days: range, customers: int) -> pd.DataFrame:
    """Return the same customers day after day, as they come again."""
    rng = np.random.default_rng(days.start)
    frames = [frame(customers).assign(taken=pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=day)) for day in days]
    return pd.concat([one.sample(40, random_state=int(rng.integers(1000))) for one in frames], ignore_index=True)


@pytest.mark.parametrize("customers", [300, 1500, 10_000])
def test_what_comes_again_with_time_is_no_leak(customers: int) -> None:
    train, test = visits(range(10), customers), visits(range(10, 14), customers)
    assert one(leak_rows(case(train, test, declared=schema(group=""))), Outcome.PASS).observed == 0


COARSE = schema(columns=[{"name": name, "dtype": "integer"} for name in ("a", "b", "y")], target="y", time="", group="")


def coarse(rows: int, seed: int, values: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.integers(0, values, rows) for name in "ab"} | {"y": rng.integers(0, 2, rows)})


def test_rows_that_repeat_by_nature_are_no_leak() -> None:
    """About 4 % of fresh rows stand in train by chance; three standard errors make 0.14 % false alarms, seeds are fixed."""
    for seed in range(20):
        entry = one(leak_rows(case(coarse(2000, seed), coarse(1000, seed + 100), declared=COARSE)), Outcome.PASS)
        assert isinstance(entry.observed, float) and entry.observed > 0.02


def test_a_leak_is_seen_over_rows_that_repeat_by_nature() -> None:
    train, test = coarse(2000, 1), coarse(1000, 2)
    test.iloc[:100] = train.iloc[:100]
    entry = one(leak_rows(case(train, test, declared=COARSE)), Outcome.FAIL)
    assert "by chance" in entry.reason


def test_where_most_rows_repeat_nothing_can_be_told() -> None:
    train, test = coarse(2000, 1, values=5), coarse(1000, 2, values=5)
    assert one(leak_rows(case(train, test, declared=COARSE)), Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("rule", [leak_rows, leak_group, leak_time])
def test_one_file_alone_is_not_a_pass(rule: object) -> None:
    assert callable(rule)
    assert "train and test" in one(rule(case(frame())), Outcome.INCONCLUSIVE).reason


@pytest.mark.parametrize("rule", [leak_group, leak_time])
def test_nothing_declared_is_not_a_pass(rule: object) -> None:
    assert callable(rule)
    found = one(rule(case(frame(), frame(part=1), declared=schema(time="", group=""))), Outcome.INCONCLUSIVE)
    assert found.reason == "nothing declared"


def test_a_column_that_is_not_there_leaves_leaks_open() -> None:
    lacking = frame(part=1).drop(columns=["station", "taken"])
    for rule in (leak_rows, leak_group, leak_time):
        assert one(rule(case(frame(), lacking)), Outcome.INCONCLUSIVE)


def test_separate_groups_pass() -> None:
    assert one(leak_group(case(frame(), frame(part=1))), Outcome.PASS)


def test_a_group_in_train_and_test_fails_with_every_row_of_it() -> None:
    test = frame(part=1)
    test.loc[[4, 9], "station"] = STATION
    entry = one(leak_group(case(frame(), test)), Outcome.FAIL)
    assert entry.observed == 1 and "rows 5, 10" in entry.reason and STATION not in entry.reason


def test_the_shared_group_is_named_where_it_is_public() -> None:
    test = frame(part=1)
    test.loc[4, "station"] = STATION
    entry = one(leak_group(case(frame(), test, declared=schema(station={"public": True}))), Outcome.FAIL)
    assert STATION in entry.reason


def test_missing_groups_are_no_group() -> None:
    train, test = frame(), frame(part=1)
    train.loc[0, "station"] = test.loc[0, "station"] = None
    assert one(leak_group(case(train, test)), Outcome.PASS)


def test_training_rows_before_the_test_rows_pass() -> None:
    assert one(leak_time(case(frame(), frame(part=1))), Outcome.PASS)


def test_the_same_moment_passes() -> None:
    train = frame()
    train.loc[999, "taken"] = frame(part=1)["taken"].min()
    assert one(leak_time(case(train, frame(part=1))), Outcome.PASS)


def test_later_training_rows_fail() -> None:
    train = frame()
    train.loc[[7, 8], "taken"] = frame(part=1)["taken"].max()
    entry = one(leak_time(case(train, frame(part=1))), Outcome.FAIL)
    assert entry.subject == "train: taken" and entry.observed == 0.002 and "rows 8, 9" in entry.reason
