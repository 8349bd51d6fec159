"""What the service tells of itself and its model, by the Open Inference Protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.release import Release
from service import metadata
from service.state import Loaded


def described(loaded: Loaded, release: Release, **manifest: Any) -> dict[str, Any]:
    model = loaded.predictor.model
    return metadata.model(release, model.schema, model.manifest.model_copy(update=manifest))


def test_the_server_names_its_release_and_its_extension(release: Release) -> None:
    assert metadata.server(release) == {
        "name": "gateline", "version": release.name, "extensions": ["binary_tensor_data"],
    }  # fmt: skip


def test_inputs_have_the_datatype_that_holds_all_their_values(loaded: Loaded, release: Release) -> None:
    inputs = {one["name"]: one for one in described(loaded, release)["inputs"]}
    datatypes = {name: one["datatype"] for name, one in inputs.items()}
    assert datatypes == {
        "carrier": "BYTES", "dest": "BYTES", "hour": "INT64", "delay": "FP64", "seats": "FP64", "weekend": "BOOL",
        "booked": "BYTES",
    }  # fmt: skip
    assert list(inputs) == list(loaded.predictor.model.manifest.features)
    assert {tuple(one["shape"]) for one in inputs.values()} == {(-1,)}
    seats = {"type": "integer", "allowed": "a whole number from 1 to 500, or null", "missing": True}
    assert inputs["seats"]["parameters"] == seats


def test_a_column_that_may_be_left_out_names_its_default(loaded: Loaded, release: Release) -> None:
    columns = [{"name": "wind", "dtype": "number", "default": 0.5}, {"name": "y", "dtype": "integer"}]
    schema = schemas.parse({"columns": columns, "target": "y"})
    told = metadata.model(release, schema, loaded.predictor.model.manifest)
    assert told["inputs"][0]["parameters"]["default"] == "0.5"


@pytest.mark.parametrize(
    ("manifest", "outputs"),
    [
        (
            {},
            [
                {"name": "prediction", "datatype": "INT64", "shape": [-1]},
                {"name": "probability", "datatype": "FP64", "shape": [-1], "parameters": {"class": "1", "threshold": 0.5}},
            ],
        ),
        (
            {"task": "multiclass", "classes": ("early", "late")},
            [
                {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
                {
                    "name": "probabilities", "datatype": "FP64", "shape": [-1, 2],
                    "parameters": {"classes": '["early", "late"]'},
                },
            ],
        ),
        (
            {"task": "multiclass", "classes": (1, "1")},
            [
                {"name": "prediction", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "pd_json"}},
                {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2], "parameters": {"classes": '[1, "1"]'}},
            ],
        ),
        ({"task": "regression", "classes": ()}, [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]),
    ],
)
def test_outputs_are_those_that_are_sent(
    loaded: Loaded, release: Release, manifest: dict[str, Any], outputs: list[dict[str, Any]]
) -> None:
    assert described(loaded, release, **manifest)["outputs"] == outputs


def test_the_model_says_what_scores_its_rows_and_why(loaded: Loaded, release: Release) -> None:
    slow = release.model_copy(update={"scorer_reason": "MyTransformer is not covered"})
    told = described(loaded, slow)
    assert told["name"] == "flights" and told["versions"] == [release.version]
    assert told["platform"] == "gateline_sklearn"
    assert told["parameters"]["scorer"] == "scikit-learn"
    assert told["parameters"]["scorer_reason"] == "MyTransformer is not covered"
    fast = described(loaded, release.model_copy(update={"scorer": "generated"}))
    assert fast["platform"] == "gateline_generated" and "scorer_reason" not in fast["parameters"]


def test_parameters_are_texts_numbers_and_truth_values(loaded: Loaded, release: Release) -> None:
    told = described(loaded, release)
    for one in (told, *told["inputs"], *told["outputs"]):
        assert all(isinstance(value, str | int | float | bool) for value in one.get("parameters", {}).values())
    assert json.loads(json.dumps(told)) == told
