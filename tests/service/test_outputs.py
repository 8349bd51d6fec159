"""Answers as tensors: names, datatypes, selection, and binary data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from service.inference import HEADER, Inference
from service.outputs import declared, write
from service.refusals import Refusal
from service.state import Loaded


@pytest.fixture(scope="module")
def binary(loaded: Loaded) -> Manifest:
    return loaded.predictor.model.manifest


@pytest.fixture(scope="module")
def many(binary: Manifest) -> Manifest:
    return binary.model_copy(update={"task": "multiclass", "classes": ("early", "late")})


@pytest.mark.parametrize(
    ("task", "classes", "outputs"),
    [
        ("binary", (0, 1), {"prediction": "INT64", "probability": "FP64"}),
        ("binary", (False, True), {"prediction": "BOOL", "probability": "FP64"}),
        ("binary", ("no", "yes"), {"prediction": "BYTES", "probability": "FP64"}),
        ("multiclass", (0.5, 1, 2), {"prediction": "FP64", "probabilities": "FP64"}),
        ("multiclass", (1, "b", 2), {"prediction": "BYTES", "probabilities": "FP64"}),
        ("multiclass", (True, 2, 3), {"prediction": "BYTES", "probabilities": "FP64"}),
        ("regression", (), {"prediction": "FP64"}),
    ],
)
def test_outputs_are_named_as_predict_names_them(
    binary: Manifest, task: str, classes: tuple[Any, ...], outputs: dict[str, str]
) -> None:
    assert declared(binary.model_copy(update={"task": task, "classes": classes})) == outputs


ANSWERS = [{"prediction": 1, "probability": 0.75}, {"prediction": 0, "probability": 0.25}]


def said(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    assert isinstance(found, dict)
    return found


def test_all_outputs_are_sent_as_json(binary: Manifest, release: Release) -> None:
    body, headers = write(Inference([{}, {}], id="42"), ANSWERS, binary, release)
    assert headers == {"Content-Type": "application/json"}
    assert said(body) == {
        "model_name": "flights",
        "model_version": release.version,
        "id": "42",
        "outputs": [
            {"name": "prediction", "datatype": "INT64", "shape": [2], "data": [1, 0]},
            {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.75, 0.25]},
        ],
    }
    assert "id" not in said(write(Inference([{}, {}]), ANSWERS, binary, release)[0])


def test_outputs_are_sent_in_the_order_asked_for(binary: Manifest, release: Release) -> None:
    for names in (["probability"], ["probability", "prediction"]):
        asked = Inference([{}, {}], outputs=dict.fromkeys(names))
        assert [one["name"] for one in said(write(asked, ANSWERS, binary, release)[0])["outputs"]] == names


def test_an_unknown_output_is_refused_by_name(binary: Manifest, release: Release) -> None:
    with pytest.raises(Refusal, match=r'"probabilty" is not known; did you mean .*; allowed: prediction, probability'):
        write(Inference([{}], outputs={"probabilty": None}), ANSWERS, binary, release)


@pytest.mark.parametrize(
    ("outputs", "every", "sizes"),
    [
        ({}, True, [16, 16]),
        ({"prediction": True, "probability": None}, False, [16, None]),
        ({"prediction": None, "probability": False}, True, [16, None]),
        ({"prediction": False}, False, [None]),
    ],
)
def test_binary_outputs_come_after_the_json(
    binary: Manifest, release: Release, outputs: dict[str, bool | None], every: bool, sizes: list[int | None]
) -> None:
    body, headers = write(Inference([{}, {}], outputs=outputs, binary=every), ANSWERS, binary, release)
    if not any(sizes):
        assert HEADER not in headers
        return
    assert headers["Content-Type"] == "application/octet-stream"
    start = int(headers[HEADER])
    listed = said(body[:start])["outputs"]
    assert [one.get("parameters", {}).get("binary_data_size") for one in listed] == sizes
    assert ["data" in one for one in listed] == [size is None for size in sizes]
    assert body[start : start + 16] == np.array([1, 0], dtype="<i8").tobytes()
    assert body[start + 16 :] == (np.array([0.75, 0.25]).tobytes() if sizes[-1] else b"")


def test_probabilities_are_a_matrix_in_the_order_of_the_classes(many: Manifest, release: Release) -> None:
    answers = [{"prediction": "late", "probabilities": {"early": 0.25, "late": 0.75}}] * 3
    label, shares = said(write(Inference([{}] * 3), answers, many, release)[0])["outputs"]
    assert label == {"name": "prediction", "datatype": "BYTES", "shape": [3], "data": ["late"] * 3}
    assert shares == {"name": "probabilities", "datatype": "FP64", "shape": [3, 2], "data": [0.25, 0.75] * 3}


def test_what_a_hook_makes_of_the_answers_is_sent(binary: Manifest, release: Release) -> None:
    answers: list[dict[str, Any]] = [{"prediction": "high", "why": {"hour": 17}}]
    answers += [{"prediction": "low", "why": None, "seat": 3}]
    outputs = {one["name"]: one for one in said(write(Inference([{}, {}]), answers, binary, release)[0])["outputs"]}
    assert list(outputs) == ["prediction", "why", "seat"]
    assert (outputs["prediction"]["datatype"], outputs["prediction"]["data"]) == ("BYTES", ["high", "low"])
    assert (outputs["why"]["datatype"], outputs["why"]["data"]) == ("BYTES", ['{"hour": 17}', "null"])
    assert outputs["why"]["parameters"] == {"content_type": "pd_json"}
    assert outputs["seat"]["data"] == ["null", "3"]


def test_probabilities_that_a_hook_changed_are_sent_as_they_are(many: Manifest, release: Release) -> None:
    answers: list[dict[str, Any]] = [{"prediction": "late", "probabilities": shares} for shares in ({"late": 1.0}, None)]
    changed = said(write(Inference([{}, {}]), answers, many, release)[0])["outputs"][1]
    assert (changed["datatype"], changed["shape"], changed["data"]) == ("BYTES", [2], ['{"late": 1.0}', "null"])


def test_classes_of_several_kinds_are_json_in_every_answer(many: Manifest, release: Release) -> None:
    mixed = many.model_copy(update={"classes": (1, "1", 2)})
    for labels in ([1, 2], ["1", 1]):
        label = said(write(Inference([{}, {}]), [{"prediction": one} for one in labels], mixed, release)[0])["outputs"][0]
        assert (label["datatype"], label["data"]) == ("BYTES", [json.dumps(one) for one in labels])


def test_an_answer_that_is_no_number_is_no_json(binary: Manifest, release: Release) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(Inference([{}]), [{"prediction": 1, "probability": float("nan")}], binary, release)
