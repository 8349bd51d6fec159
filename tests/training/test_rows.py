"""Rows are read by the schema, without those whose labels are not final."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gateline.settings.errors import UsageError
from tests.training.example import settings_of
from training.identity import plan
from training.rows import Labels, Rows, Split, labels_of, read, refuse_other_classes


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


def labels(folder: Path, train: list[Any], test: list[Any] | None = None, kind: str = "binary", **more: Any) -> Labels:
    def rows(values: list[Any]) -> Rows:
        dtype = object if isinstance(values[0], str) else None
        return Rows(np.zeros((len(values), 1), dtype=object), np.array(values, dtype=dtype))

    return labels_of(Split(rows(train), rows(test or train)), settings_of(folder, kind, rows=10, **more))


def test_two_classes_are_sorted_and_the_greater_is_positive(tmp_path: Path) -> None:
    assert labels(tmp_path, ["yes", "no", "yes", "no"]) == Labels("binary", ("no", "yes"), "yes")


def test_the_settings_name_the_positive_class(tmp_path: Path) -> None:
    assert labels(tmp_path, [0, 1, 1, 0], metrics={"positive": 0}).positive == 0


def test_a_positive_class_that_never_occurs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="metrics.positive is 2, which the target 'y' never is"):
        labels(tmp_path, [0, 1, 1, 0], metrics={"positive": 2})


def test_three_classes_make_a_multiclass_model(tmp_path: Path) -> None:
    assert labels(tmp_path, ["b", "c", "a", "a", "b", "c"]) == Labels("multiclass", ("a", "b", "c"))


def test_a_number_makes_a_regression_and_a_text_does_not(tmp_path: Path) -> None:
    assert labels(tmp_path, [1.5, 2.5], kind="regression") == Labels("regression")
    with pytest.raises(UsageError, match="holds text, but project.task is regression"):
        labels(tmp_path, ["a", "b"], kind="regression")


@pytest.mark.parametrize(("train", "test", "named"), [([1, 1, 1], [0, 1], "train.csv"), ([0, 1], [1, 1], "test.csv")])
def test_one_class_alone_is_refused_naming_the_file(
    tmp_path: Path, train: list[int], test: list[int], named: str
) -> None:
    with pytest.raises(UsageError, match=f"{named}: all rows have one value of the target 'y'"):
        labels(tmp_path, train, test)


def test_numbers_may_be_classes_but_fractions_are_measured(tmp_path: Path) -> None:
    assert labels(tmp_path, [0.0, 1.0, 1.0, 0.0]) == Labels("binary", (0.0, 1.0), 1.0)
    with pytest.raises(UsageError, match="holds numbers such as 2.5, but project.task is classification"):
        labels(tmp_path, [0.0, 2.5, 1.0, 2.5])


def test_a_target_of_ever_new_values_is_no_class(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="5 different values in 6 rows"):
        labels(tmp_path, [1, 2, 3, 4, 5, 5])


def test_an_estimator_that_orders_its_classes_otherwise_is_refused() -> None:
    meaning = Labels("binary", (0, 1), 1)
    refuse_other_classes(SimpleNamespace(classes_=np.array([0, 1])), meaning)
    refuse_other_classes(SimpleNamespace(), meaning)
    with pytest.raises(UsageError, match=r"orders its classes \[1, 0\], sorted they are \[0, 1\]"):
        refuse_other_classes(SimpleNamespace(classes_=np.array([1, 0])), meaning)
