"""Rows are read by the schema, without those whose labels are not final."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gateline.settings.errors import UsageError
from tests.training.example import settings_of
from training.identity import plan
from training.rows import Split, read


def split(folder: Path, **data: Any) -> Split:
    settings = settings_of(folder, rows=100, data=data)
    return read(settings.data, plan(settings).schema)


def test_all_rows_are_kept_without_a_delay(tmp_path: Path) -> None:
    found = split(tmp_path)
    assert (len(found.train), len(found.test), found.young) == (100, 100, 0)
    assert found.train.features.shape == (100, 4)
    assert found.period == ("2026-01-01T00:00:00+00:00", "2026-01-05T03:00:00+00:00")


def test_rows_younger_than_the_delay_are_left_out_and_a_row_of_exactly_that_age_is_kept(tmp_path: Path) -> None:
    found = split(tmp_path, label_delay_hours=10.0)
    assert (len(found.train), found.young) == (90, 10)
    assert found.period == ("2026-01-01T00:00:00+00:00", "2026-01-04T17:00:00+00:00")
    assert len(found.test) == 100


def test_a_row_without_a_time_has_no_known_age_and_is_left_out(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, rows=100, data={"label_delay_hours": 10.0})
    table = pd.read_csv(tmp_path / "train.csv", dtype=str)
    table.loc[[0, 1], "when"] = None
    table.to_csv(tmp_path / "train.csv", index=False)
    found = read(settings.data, plan(settings).schema)
    assert (len(found.train), found.young) == (88, 12)


def test_a_delay_that_leaves_nothing_is_refused_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of 100 rows has a label older than data.label_delay_hours = 100"):
        split(tmp_path, label_delay_hours=100.0)


@pytest.mark.parametrize("time", ["", "size"])
def test_a_delay_needs_a_datetime_column(tmp_path: Path, time: str) -> None:
    with pytest.raises(UsageError, match="data.time names no datetime column"):
        split(tmp_path, label_delay_hours=1.0, time=time)
