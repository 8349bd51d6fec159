"""Manifests: what they hold comes back, what cannot be is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from gateline.contracts.manifest import GOLDEN_TOLERANCE, Label, Manifest, class_of, gap, positive_column

BODY: dict[str, Any] = {
    "identity": "a" * 64,
    "version": "20261124-abc1234",
    "inputs": {"train": "b" * 64},
    "files": {"model.skops": "c" * 64},
    "task": "binary",
    "target": "late",
    "features": ["dest"],
    "classes": [0, 1],
    "positive": 1,
}


def test_a_manifest_comes_back_from_json_as_it_went() -> None:
    manifest = Manifest.model_validate(
        BODY | {"classes": [False, True, 2, 2.5, "x"], "positive": True, "task": "multiclass"}
    )
    again = Manifest.model_validate_json(manifest.model_dump_json())
    assert again == manifest
    assert [type(label) for label in again.classes] == [bool, bool, int, float, str]


def test_a_metric_that_is_no_number_comes_back() -> None:
    manifest = Manifest.model_validate(BODY | {"metrics": {"roc_auc": math.nan, "rmse": math.inf}})
    again = Manifest.model_validate_json(manifest.model_dump_json())
    assert math.isnan(again.metrics["roc_auc"])
    assert again.metrics["rmse"] == math.inf


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a\x00", "/etc/passwd"])
def test_a_file_or_version_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="files"):
        Manifest.model_validate(BODY | {"files": {name: "c" * 64}})
    with pytest.raises(ValidationError, match="version"):
        Manifest.model_validate(BODY | {"version": name})


def test_a_positive_class_must_be_one_of_the_classes() -> None:
    assert Manifest.model_validate(BODY | {"positive": True}).positive is True
    with pytest.raises(ValidationError, match="positive class 'yes' is none of 0, 1"):
        Manifest.model_validate(BODY | {"positive": "yes"})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="trusted"):
        Manifest.model_validate(BODY | {"trusted": ["os.system"]})


@pytest.mark.parametrize(
    ("positive", "column", "decided"), [(1, 1, [0, 1, 1]), (0, 0, [1, 0, 0]), (None, 1, [0, 1, 1])]
)
def test_a_binary_model_answers_its_positive_class_from_the_threshold_on(
    positive: int | None, column: int, decided: list[int]
) -> None:
    manifest = Manifest.model_validate(BODY | {"positive": positive, "threshold": 0.3})
    assert manifest.positive_column == column
    assert [manifest.decide_by(score) for score in (0.29, 0.3, 0.9)] == decided
    rows = [[1 - score, score] if column else [score, 1 - score] for score in (0.29, 0.3, 0.9)]
    assert [manifest.decide(row) for row in rows] == decided


def test_many_classes_are_decided_by_the_likeliest_and_numbers_stay() -> None:
    many = Manifest.model_validate(BODY | {"task": "multiclass", "classes": ["a", "b", "c"], "positive": None})
    assert [many.decide(row) for row in ([0.2, 0.5, 0.3], [0.4, 0.4, 0.2])] == ["b", "a"]
    number = Manifest.model_validate(BODY | {"task": "regression", "classes": [], "positive": None})
    assert number.decide([2.5]) == 2.5 and positive_column((), None) == 0


def test_scores_are_apart_by_the_recorded_one_where_it_is_above_1() -> None:
    assert gap(0.5, 0.5 + 0.9e-9) < GOLDEN_TOLERANCE < gap(0.5, 0.5 + 1.1e-9)
    assert gap(1e6 + 1e-4, 1e6) < GOLDEN_TOLERANCE and gap(math.nan, 1.0) == gap(1.0, math.inf) == math.inf


@pytest.mark.parametrize(
    ("classes", "same", "none"),
    [
        ((0, 1), {"1": 1, "1.0": 1, " 0 ": 0, "0.00": 0, "true": 1, "False": 0, "1e0": 1}, ("2", "yes", "", "nan")),
        ((False, True), {"true": True, "TRUE": True, "1": True, "0.0": False}, ("yes", "2")),
        ((0.0, 1.0), {"1": 1.0, "0": 0.0, "1.0": 1.0}, ("0.5",)),
        (("no", "yes"), {"yes": "yes", "Yes": "yes", " NO": "no"}, ("y", "1", "true")),
        (("1", "2", "10"), {"1.0": "1", "10": "10", "2.": "2"}, ("3", "01x")),
        (("01", "1"), {"01": "01", "1": "1"}, ("1.0",)),
        (("a", "A"), {"a": "a", "A": "A"}, ("b",)),
        ((1, 2, 3), {"3.0": 3}, ("0",)),
    ],
)
def test_a_text_means_the_class_of_its_value(
    classes: tuple[Label, ...], same: dict[str, Label], none: tuple[str, ...]
) -> None:
    for text, label in same.items():
        found = class_of(text, classes)
        assert (found, type(found)) == (label, type(label)), text
    assert [class_of(text, classes) for text in none] == [None] * len(none)
