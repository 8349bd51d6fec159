"""The OpenAPI document: FastAPI's own, with the request and answer of /predict as the schema makes them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateline.contracts.manifest import Manifest
from service.state import Loaded

REFUSALS = {
    "400": "The body is empty, not UTF-8 or not JSON",
    "408": "The body did not arrive in time",
    "413": "The body is larger than service.max_body_bytes",
    "415": "The body is compressed",
    "422": "A value is not what the schema allows; the message names field, value and what is allowed",
    "500": "The model or a hook failed",
    "503": "The model is being loaded",
}
REFUSAL = {
    "type": "object",
    "required": ["detail", "request_id"],
    "properties": {"detail": {"type": "string"}, "request_id": {"type": "string"}},
}


def document(app: FastAPI, loaded: Loaded) -> dict[str, Any]:
    """Return the document of the application with a loaded model."""
    body = get_openapi(title=app.title, version=app.version, routes=app.routes)
    requests = loaded.documented()
    request, components = requests.json_schema()
    schemas = body.setdefault("components", {}).setdefault("schemas", {})
    schemas |= components | {"Refusal": REFUSAL, "Prediction": prediction_schema(loaded.predictor.model.manifest)}
    examples = {name: {"value": value} for name, value in requests.examples().items()}
    operation = body["paths"]["/predict"]["post"]
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": request, "examples": examples}},
    }
    operation["responses"] = {"200": _content("The predictions", ANSWER)} | {
        status: _content(text, {"$ref": "#/components/schemas/Refusal"}) for status, text in REFUSALS.items()
    }
    body["paths"]["/metrics"]["get"]["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    for path in ("/health/ready", "/drift"):
        body["paths"][path]["get"]["responses"]["503"] = {"description": REFUSALS["503"]}
    return body


def prediction_schema(manifest: Manifest) -> dict[str, Any]:
    """Return the JSON schema of one prediction."""
    if manifest.task == "regression":
        return _object(prediction={"type": "number", "description": f"Predicted {manifest.target}"})
    label = {"enum": list(manifest.classes), "description": f"Predicted {manifest.target}"}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    if manifest.task == "binary":
        text = f"Probability of {manifest.positive!r}; 'positive' is said from {manifest.threshold:g} on"
        return _object(prediction=label, probability=share | {"description": text})
    shares = {"type": "object", "properties": {str(name): share for name in manifest.classes}}
    return _object(prediction=label, probabilities=shares | {"description": "Probability of each class"})


_PREDICTION = {"$ref": "#/components/schemas/Prediction"}
_NAMES = {
    "type": "object",
    "required": ["model_version", "request_id"],
    "properties": {"model_version": {"type": "string"}, "request_id": {"type": "string"}},
}
_MANY = {
    "type": "object",
    "required": ["predictions"],
    "properties": {"predictions": {"type": "array", "items": _PREDICTION}},
}
ANSWER: dict[str, Any] = {
    "description": "To 'features': one prediction. To 'rows': a list of them, in order.",
    "anyOf": [{"allOf": [_PREDICTION, _NAMES]}, {"allOf": [_MANY, _NAMES]}],
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
