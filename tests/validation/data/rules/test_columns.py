"""The names in a header, and the number of rows below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome
from gateline.rows.reading import read_raw
from gateline.settings import DataGate
from tests.validation.weather import case, frame, one, schema, write
from validation.data.rules.columns import columns
from validation.data.rules.row_count import row_count


def test_the_order_of_columns_does_not_matter() -> None:
    assert one(columns(case(frame()[list(frame().columns[::-1])])), Outcome.PASS)


def test_a_missing_column_fails_with_the_nearest_name() -> None:
    entries = columns(case(frame().rename(columns={"pressure": "presure"})))
    assert any("'pressure'; did you mean 'presure'?" in entry.reason for entry in entries)
    assert {entry.outcome for entry in entries} == {Outcome.FAIL}


def test_an_undeclared_column_fails_unless_allowed() -> None:
    data = frame().assign(note=None)
    entry = one(columns(case(data)), Outcome.FAIL)
    assert "'note'" in entry.reason and "extra_columns" in entry.next_step
    assert one(columns(case(data, declared=schema(extra_columns="allow"))), Outcome.PASS)


def test_a_column_missing_in_one_part_fails(tmp_path: Path) -> None:
    write(frame(), tmp_path / "a.csv")
    write(frame().drop(columns="sky"), tmp_path / "b.csv")
    entry = one(columns(case(read_raw(str(tmp_path)))), Outcome.FAIL)
    assert "b.csv" in entry.reason and "'sky'" in entry.reason


def test_without_a_header_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert one(columns(case(read_raw(str(tmp_path / "empty.csv")))), Outcome.INCONCLUSIVE).required


@pytest.mark.parametrize(("rows", "outcome"), [(0, Outcome.FAIL), (99, Outcome.FAIL), (100, Outcome.PASS)])
def test_the_fewest_rows(rows: int, outcome: Outcome) -> None:
    entry = one(row_count(case(frame(rows))), outcome)
    assert entry.observed == rows and entry.limit == 100


@pytest.mark.parametrize(
    ("rows", "outcome"), [(500, Outcome.FAIL), (699, Outcome.FAIL), (800, Outcome.PASS), (1200, Outcome.PASS)]
)
def test_rows_against_the_data_that_passed_before(rows: int, outcome: Outcome) -> None:
    assert one(row_count(case(frame(rows), earlier={"train": 1000})), outcome).reason


def test_the_allowed_loss_is_a_setting() -> None:
    gate = DataGate(min_row_share=0.4)
    assert one(row_count(case(frame(500), gate=gate, earlier={"train": 1000})), Outcome.PASS)


def test_each_of_train_and_test_needs_its_rows() -> None:
    assert one(row_count(case(frame(), frame(10, part=1))), Outcome.FAIL).subject == "test"
