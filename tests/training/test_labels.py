"""Task, classes and positive class follow from target and settings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gateline.settings.errors import UsageError
from tests.training.example import settings_of
from training.labels import Labels, labels_of, refuse_other_classes
from training.rows import Rows, Split


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
