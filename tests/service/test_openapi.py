"""The OpenAPI document says what /predict takes and answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from gateline.contracts.release import Release
from gateline.settings import Service
from service.app import Application, Options
from service.columns import LARGEST_NUMBER, Row
from service.docs import document, prediction_schema
from service.inference import read
from service.predictor import Predictor
from service.state import Loaded, typed
from tests.service.bundles import NAMED


@pytest.fixture(scope="module")
def operation(release: Release, loaded: Loaded) -> dict[str, Any]:
    app: FastAPI = Application(release, lambda: loaded, Options(), lambda: None).build()
    found = document(app, loaded, release)["paths"]["/predict"]["post"]
    assert isinstance(found, dict)
    return found


def test_the_request_has_its_forms_and_an_example_of_each(operation: dict[str, Any], loaded: Loaded) -> None:
    content = operation["requestBody"]["content"]["application/json"]
    assert {form["$ref"].rpartition("/")[2] for form in content["schema"]["oneOf"]} == {"OneRow", "ManyRows"}
    assert {name: example["value"] for name, example in content["examples"].items()} == loaded.requests.examples()
    assert None not in content["examples"]["in order"]["value"]["features"]


class Picky:
    """Hooks of a copy that refuse most rows, and answer none of the afternoon."""

    def before(self, rows: list[Row]) -> list[Row]:
        if rows[0][2] > 11:
            raise ValueError("only in the morning")
        return rows

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return answers


def test_the_examples_are_rows_that_the_hooks_take(release: Release, loaded: Loaded) -> None:
    picky = replace(loaded, predictor=Predictor(loaded.predictor.model, Picky()))
    app = Application(release, lambda: picky, Options(), lambda: None).build()
    content = document(app, picky, release)["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        asked = picky.requests.parse(json.dumps(example["value"]).encode())
        assert all(picky.predictor.answers(row) for row in asked.rows)
    assert any(loaded.predictor.answers(row) and not picky.predictor.answers(row) for row in typed_golden(loaded))


def typed_golden(loaded: Loaded) -> list[Row]:
    return typed(loaded.requests, loaded.predictor.model.golden["rows"])


def test_each_path_declares_its_type(release: Release, loaded: Loaded) -> None:
    paths = document(Application(release, lambda: loaded, Options(), lambda: None).build(), loaded, release)["paths"]
    assert list(paths["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert "503" in paths["/health/ready"]["get"]["responses"] and "head" not in paths["/health/ready"]


def test_every_status_is_described(operation: dict[str, Any]) -> None:
    assert set(operation["responses"]) == {"200", "400", "408", "413", "415", "422", "500", "503"}


def test_every_reference_leads_somewhere(release: Release, loaded: Loaded) -> None:
    body = document(Application(release, lambda: loaded, Options(), lambda: None).build(), loaded, release)

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if not isinstance(value, dict):
            return set()
        own = {str(value["$ref"])} if "$ref" in value else set()
        return own.union(*map(references, value.values()))

    known = {f"#/components/schemas/{name}" for name in body["components"]["schemas"]}
    assert references(body) == known


@pytest.mark.parametrize(
    ("update", "properties"),
    [
        ({}, {"prediction", "probability"}),
        ({"task": "multiclass"}, {"prediction", "probabilities"}),
        ({"task": "regression"}, {"prediction"}),
    ],
)
def test_the_answer_is_described_by_task(loaded: Loaded, update: dict[str, str], properties: set[str]) -> None:
    manifest = loaded.predictor.model.manifest.model_copy(update=update)
    body = prediction_schema(manifest)
    assert set(body["properties"]) == set(body["required"]) == properties
    assert "late" in body["properties"]["prediction"]["description"]


def test_the_open_inference_protocol_is_described(release: Release, loaded: Loaded) -> None:
    body = document(Application(release, lambda: loaded, Options(), lambda: None).build(), loaded, release)
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    own = {path for path in body["paths"] if path.startswith("/v2")}
    under = {f"{path}{end}" for path in (model, version) for end in ("", "/ready", "/infer")}
    assert own == {"/v2", "/v2/health/live", "/v2/health/ready"} | under
    operation = body["paths"][f"{version}/infer"]["post"]
    assert {one["name"]: one["schema"]["enum"] for one in operation["parameters"]} == {
        "name": ["flights"], "version": [release.version],
    }  # fmt: skip
    assert set(operation["responses"]) == {"200", "400", "404", "408", "413", "415", "422", "500", "503"}


def test_the_example_of_an_inference_is_answered(release: Release, loaded: Loaded) -> None:
    body = document(Application(release, lambda: loaded, Options(), lambda: None).build(), loaded, release)
    content = body["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]
    asked = read(json.dumps(content["examples"]["one row"]["value"]).encode(), "", loaded.requests.schema, 1)
    assert asked.rows == [dict(zip(NAMED, loaded.documented().example))] and asked.id == "42"
    inputs = body["components"]["schemas"]["InferenceRequest"]["properties"]["inputs"]["prefixItems"]
    assert [one["properties"]["name"]["const"] for one in inputs] == list(NAMED)


def test_a_number_without_declared_limits_has_those_of_the_service(release: Release, loaded: Loaded) -> None:
    body = document(Application(release, lambda: loaded, Options(), lambda: None).build(), loaded, release)
    delay = body["components"]["schemas"]["Row"]["properties"]["delay"]
    assert (delay["minimum"], delay["maximum"]) == (-LARGEST_NUMBER, LARGEST_NUMBER)


def test_a_service_with_keys_says_which_paths_ask_for_one(release: Release, loaded: Loaded) -> None:
    app = Application(release, lambda: loaded, Options(keys=("k" * 16,)), lambda: None).build()
    body = document(app, loaded, release, keyed=True)
    assert body["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    open_ = {path for path, said in body["paths"].items() if not any("security" in one for one in said.values())}
    assert open_ == {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/metrics"}
    assert "401" in body["paths"]["/predict"]["post"]["responses"]
    closed = release.model_copy(update={"service": Service(open_metrics=False)})
    assert "security" in document(app, loaded, closed, keyed=True)["paths"]["/metrics"]["get"]
    assert "securitySchemes" not in document(app, loaded, release)["components"]
