"""What the Open Inference Protocol's metadata say of the server and of its model."""

import json
from typing import Any

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.contracts.schema import Column, Schema
from service.columns import allowed
from service.outputs import are_mixed, declared
from service.tensors import BYTES, JSON_TEXT

EXTENSIONS = ("binary_tensor_data",)
PLATFORMS = {"generated": "gateline_generated", "scikit-learn": "gateline_sklearn"}
DATATYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "string": BYTES, "datetime": BYTES}


def server(release: Release) -> dict[str, Any]:
    """Return what the server is."""
    return {"name": "gateline", "version": release.name, "extensions": list(EXTENSIONS)}


def ready(release: Release, is_ready: bool) -> dict[str, Any]:
    """Return whether the model answers."""
    return {"name": release.project, "ready": is_ready}


def model(release: Release, schema: Schema, manifest: Manifest) -> dict[str, Any]:
    """Return what the model takes and answers, and by which path it does."""
    parameters = {
        "release": release.digest,
        "artifact": release.artifact,
        "task": manifest.task,
        "scorer": release.scorer,
        "scorer_reason": release.scorer_reason,
        "max_rows": release.service.max_rows,
    }
    return {
        "name": release.project,
        "versions": [release.version],
        "platform": PLATFORMS[release.scorer],
        "inputs": [_input(column) for column in schema.features],
        "outputs": [_output(name, datatype, manifest) for name, datatype in declared(manifest).items()],
        "parameters": {name: value for name, value in parameters.items() if value != ""},
    }


def _input(column: Column) -> dict[str, Any]:
    """Describe the tensor of a column: with a datatype that can hold all its values, the missing ones too."""
    datatype = DATATYPES[column.dtype]
    if column.nullable > 0 and datatype in ("INT64", "BOOL"):
        datatype = "FP64"
    parameters: dict[str, Any] = {"type": column.dtype, "allowed": allowed(column), "missing": column.nullable > 0}
    if column.may_be_left_out:
        parameters["default"] = json.dumps(column.default)
    return {"name": column.name, "datatype": datatype, "shape": [-1], "parameters": parameters}


def _output(name: str, datatype: str, manifest: Manifest) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [-1]}
    if name == "probabilities":
        return told | {"shape": [-1, len(manifest.classes)], "parameters": {"classes": json.dumps(manifest.classes)}}
    if name == "probability":
        return told | {"parameters": {"class": json.dumps(manifest.positive), "threshold": manifest.threshold}}
    return told | ({"parameters": JSON_TEXT} if are_mixed(manifest.classes) else {})
