"""The service described, from the schema: the OpenAPI document, and a page with a form that loads nothing from elsewhere."""

import json
from collections.abc import Collection
from html import escape
from string import Template
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from service import docs_v2
from service.columns import allowed
from service.keys import HEALTH, METRICS
from service.requests import Requests
from service.state import Loaded

REFUSALS = {
    "400": "The body is empty, not UTF-8 or not JSON",
    "408": "The body did not arrive in time",
    "413": "The body is larger than service.max_body_bytes",
    "415": "The body is compressed",
    "422": "A value is not what the schema allows; the message names field, value and what is allowed",
    "500": "The model or a hook failed",
    "503": "The model is being loaded, too many requests are being answered, or the answer took too long; try again",
}
LOADING = "The model is being loaded"
REFUSAL = {
    "type": "object",
    "required": ["detail", "request_id"],
    "properties": {"detail": {"type": "string"}, "request_id": {"type": "string"}},
}
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
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; }
code, pre, textarea { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; white-space: pre-wrap; }
textarea { width: 100%; height: 12rem; box-sizing: border-box; }
</style>
</head>
<body>
<h1>$title</h1>
<p>Model $version, release <code>$release</code>. The machine-readable form of this page is
<a href="/openapi.json">/openapi.json</a>; counters are at
<a href="/metrics">/metrics</a>, readiness at <a href="/health/ready">/health/ready</a>.</p>
<h2>POST /predict</h2>
<p>One row in the order below: <code>{"features": [...]}</code>; one row by name:
<code>{"features": {...}}</code>; 1 to $max_rows rows by name: <code>{"rows": [{...}, ...]}</code>.
At most $max_body bytes. A missing value is <code>null</code>. The same model speaks the Open Inference Protocol, at
<a href="/v2/models/$model">/v2/models/$model</a>.</p>
<table>
<thead><tr><th>column</th><th>type</th><th>allowed</th><th>example</th><th>meaning</th></tr></thead>
<tbody>
$rows
</tbody>
</table>
<h2>Try it</h2>
<textarea id="body" aria-label="request body">$example</textarea>
<p><button id="send">Predict</button></p>
<pre id="answer" aria-live="polite"></pre>
<script>
document.getElementById("send").onclick = async () => {
  const body = document.getElementById("body").value;
  const answer = await fetch("/predict", {method: "POST", headers: {"Content-Type": "application/json"}, body});
  document.getElementById("answer").textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 2);
};
</script>
</body>
</html>
""")


def document(app: FastAPI, loaded: Loaded, release: Release, keyed: bool = False) -> dict[str, Any]:
    """Return the document of the application with a loaded model; `keyed` says that requests must carry a key."""
    manifest = loaded.predictor.model.manifest
    body = get_openapi(title=app.title, version=app.version, routes=app.routes)
    requests = loaded.documented()
    request, components = requests.json_schema()
    schemas = body.setdefault("components", {}).setdefault("schemas", {})
    schemas |= components | {"Refusal": REFUSAL, "Prediction": prediction_schema(manifest)}
    schemas |= docs_v2.schemas(requests, manifest)
    examples = {name: {"value": value} for name, value in requests.examples().items()}
    operation = body["paths"]["/predict"]["post"]
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": request, "examples": examples}}}
    operation["responses"] = {"200": _content("The predictions", ANSWER)} | {
        status: _content(text, {"$ref": "#/components/schemas/Refusal"}) for status, text in REFUSALS.items()
    }
    body["paths"]["/metrics"]["get"]["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    for path in ("/health/ready", "/drift"):
        body["paths"][path]["get"]["responses"]["503"] = {"description": LOADING}
    body["paths"] |= docs_v2.paths(release, requests, manifest, REFUSALS, LOADING)
    if keyed:
        _ask_for_keys(body, {*HEALTH, *((METRICS,) if release.service.open_metrics else ())})
    return body


def _ask_for_keys(body: dict[str, Any], open_paths: Collection[str]) -> None:
    body["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in body["paths"].items():
        if path not in open_paths:
            for operation in operations.values():
                operation["security"] = [{"key": []}]
                operation["responses"]["401"] = {"description": "The request carries none of the service's keys"}


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


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def page(release: Release, requests: Requests) -> str:
    """Return the page of a release that takes these requests."""
    cells = [
        (column.name, column.dtype, allowed(column), json.dumps(example, ensure_ascii=False), column.description)
        for column, example in zip(requests.schema.features, requests.example)
    ]
    rows = (f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in cells)
    example = json.dumps(requests.examples()["by name"], indent=2, ensure_ascii=False)
    return PAGE.substitute(
        title=escape(f"{release.project} predictions"),
        version=escape(release.version),
        model=escape(release.project),
        release=escape(release.digest[:12]),
        max_rows=release.service.max_rows,
        max_body=release.service.max_body_bytes,
        rows="\n".join(rows),
        example=escape(example),
    )
