"""Manifests: what they hold comes back, what cannot be is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from gateline.contracts.manifest import Manifest

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
