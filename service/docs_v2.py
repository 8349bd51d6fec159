"""The Open Inference Protocol's paths in the OpenAPI document, from the schema.

JSON Schema cannot say that a tensor holds as many elements as its shape says, so the document has the form of one row, which
is exact; more rows, all columns in one tensor and binary data are told in words.
"""

from __future__ import annotations

import json
from typing import Any

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.contracts.schema import Column
from service import metadata, outputs
from service.columns import json_schema
from service.protocol import MODEL, VERSION
from service.requests import Requests
from service.tensors import BYTES, CODES

NUMBERS = [name for name in ("FP64", "FP32", "INT64", *CODES) if name != "BOOL"]
DATATYPES = {"string": [BYTES], "datetime": [BYTES], "boolean": ["BOOL"]}
ABOUT = (
    "The Open Inference Protocol. Here is the form of one row: a tensor for each column. For n rows, 'shape' is [n] and "
    "'data' has n elements. All columns may be in one tensor of shape [n, columns]: FP64, FP32 or INT64 where all are "
    "numbers, BYTES otherwise. Binary data may follow the JSON (header Inference-Header-Content-Length, parameter "
    "binary_data_size). Missing values are null, NaN, or the empty text where the column may be missing."
)
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
PARAMETERS = {"type": ["object", "null"], "description": "Texts, numbers and truth values by name"}
UNKNOWN = {"404": "There is no such model, or no such version of it"}


def paths(
    release: Release, requests: Requests, manifest: Manifest, refusals: dict[str, str], not_ready: str
) -> dict[str, Any]:
    """Return the paths; `refusals` are the statuses that a prediction is refused with, and why; `not_ready` is for others."""
    loading = {"503": not_ready}
    found = {
        "/v2": {"get": _read("Say what the server is", metadata.server(release), {})},
        "/v2/health/live": {"get": _read("Say that the process runs", {"live": True}, {})},
        "/v2/health/ready": {"get": _read("Say whether the model answers its golden rows", {"ready": True}, loading)},
    }
    told = metadata.model(release, requests.schema, manifest)
    for path in (MODEL, VERSION):
        found[path] = {"get": _read("Say what the model takes and answers", told, UNKNOWN | loading)}
        ready = metadata.ready(release, True)
        found[f"{path}/ready"] = {"get": _read("Say whether the model answers", ready, UNKNOWN | loading)}
        found[f"{path}/infer"] = {"post": _infer(release, requests, manifest, UNKNOWN | refusals)}
    names = {"name": release.project, "version": release.version}
    for path, operations in found.items():
        for operation in operations.values():
            operation["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": [value]}}
                for name, value in names.items()
                if f"{{{name}}}" in path
            ]
    return found


def schemas(requests: Requests, manifest: Manifest) -> dict[str, Any]:
    """Return the schemas that the paths refer to."""
    return {"InferenceError": ERROR, "InferenceRequest": _request(requests, manifest), "InferenceAnswer": _answer()}


def example(requests: Requests) -> dict[str, Any]:
    """Return a request for the example row."""
    inputs = [_tensor(column, [value]) for column, value in zip(requests.schema.features, requests.example)]
    return {"id": "42", "inputs": inputs}


def _tensor(column: Column, values: list[Any]) -> dict[str, Any]:
    datatype = metadata.DATATYPES[column.dtype]
    return {"name": column.name, "datatype": datatype, "shape": [len(values)], "data": values}


def _read(summary: str, shown: dict[str, Any], refusals: dict[str, str]) -> dict[str, Any]:
    """Describe a path that is read; `shown` is what it answers with 200, or with 503 where that is no error."""
    schema = {"type": "object", "required": list(shown), "properties": {name: {} for name in shown}}
    content = {"application/json": {"schema": schema, "example": json.loads(json.dumps(shown))}}
    responses: dict[str, Any] = {"200": {"description": "The answer", "content": content}}
    responses |= {status: {"description": why, "content": {"application/json": {}}} for status, why in refusals.items()}
    return {"summary": summary, "responses": responses}


def _infer(release: Release, requests: Requests, manifest: Manifest, refusals: dict[str, str]) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/InferenceError"}}}
    answer = {
        "application/json": {"schema": {"$ref": "#/components/schemas/InferenceAnswer"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    schema = {"$ref": "#/components/schemas/InferenceRequest"}
    request = {"schema": schema, "examples": {"one row": {"value": example(requests)}}}
    told = "The outputs; octets where binary ones are asked for"
    responses: dict[str, Any] = {"200": {"description": told, "content": answer}}
    responses |= {status: {"description": why, "content": error} for status, why in refusals.items()}
    return {
        "summary": "Predict rows, by the Open Inference Protocol",
        "description": ABOUT,
        "requestBody": {"required": True, "content": {"application/json": request}},
        "responses": responses,
    }


def _request(requests: Requests, manifest: Manifest) -> dict[str, Any]:
    inputs = [_input(column) for column in requests.schema.features]
    flag = {"type": ["boolean", "null"]}
    wanted = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(outputs.declared(manifest))},
            "parameters": PARAMETERS | {"properties": {"binary_data": flag}},
        },
    }
    properties = {
        "id": {"type": ["string", "null"], "description": "Returned with the answer"},
        "parameters": PARAMETERS | {"properties": {"binary_data_output": flag}},
        "inputs": {"type": "array", "prefixItems": inputs, "items": False, "minItems": len(inputs), "maxItems": len(inputs)},
        "outputs": {"type": ["array", "null"], "items": wanted, "description": "The outputs to send; none named: all"},
    }
    return {"type": "object", "required": ["inputs"], "properties": properties}


def _input(column: Column) -> dict[str, Any]:
    value = json_schema(column)
    if column.nullable > 0 and column.dtype in ("string", "datetime"):
        value = {"anyOf": [value, {"const": ""}]}
    properties = {
        "name": {"const": column.name},
        "datatype": {"type": "string", "enum": DATATYPES.get(column.dtype, NUMBERS)},
        "shape": {"enum": [[1], [1, 1]]},
        "data": {"type": "array", "items": value, "minItems": 1, "maxItems": 1},
        "parameters": PARAMETERS,
    }
    return {"type": "object", "required": ["name", "datatype", "shape", "data"], "properties": properties}


def _answer() -> dict[str, Any]:
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": {"type": "string"},
            "datatype": {"type": "string", "enum": ["BOOL", "INT64", "FP64", BYTES]},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {"type": "array"},
            "parameters": PARAMETERS,
        },
    }
    properties = {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": {"type": "array", "items": tensor},
    }
    return {"type": "object", "required": ["model_name", "model_version", "outputs"], "properties": properties}
