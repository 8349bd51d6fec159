"""What the application answers beside predictions: live, ready, metrics, OpenAPI and its page."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from gateline.settings.errors import GateRefused
from service.app import Application, Options
from service.state import Loaded
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio


async def test_ready_names_release_version_and_artifact(client: httpx.AsyncClient, release: Release) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"release": release.digest, "version": release.version, "artifact": release.artifact}


async def test_live_before_ready_and_no_prediction_before_the_model_is_loaded(release: Release, loaded: Loaded) -> None:
    gate = threading.Event()

    def slowly() -> Loaded:
        assert gate.wait(30)
        return loaded

    application = Application(release, slowly, Options(), lambda: None)
    app = application.build()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        statuses = {
            path: (await client.get(path)).status_code for path in ("/health/live", "/health/ready", "/metrics")
        }
        assert statuses == {"/health/live": 200, "/health/ready": 503, "/metrics": 200}
        early = await client.post("/predict", json={"features": ROW})
        assert (early.status_code, early.headers["retry-after"]) == (503, "1")
        assert early.json()["detail"] == "the model is being loaded"
        assert (await client.get("/docs")).status_code == (await client.get("/openapi.json")).status_code == 503
        gate.set()
        while (await client.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.005)
        assert (await client.post("/predict", json={"features": ROW})).status_code == 200
        assert 'gateline_requests_total{status="5xx"} 1.0' in (await client.get("/metrics")).text


async def test_a_model_that_cannot_be_loaded_is_never_ready_and_says_why(release: Release) -> None:
    def load() -> Loaded:
        raise GateRefused("not the file that was written", rule="digest")

    failed = asyncio.Event()
    application = Application(release, load, Options(), failed.set)
    app = application.build()
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(10):
            await failed.wait()
        assert str(application.state.failure) == "digest: not the file that was written"
        assert application.state.loaded is None
        assert (await application.ready()).status_code == 503


async def test_the_log_holds_each_row_and_no_feature(release: Release, loaded: Loaded, tmp_path: Path) -> None:
    async with serving(release, lambda: loaded, Options(log_folder=tmp_path)) as client:
        await client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": "first"})
        await client.post("/predict", json={"rows": [NAMED, NAMED]})
        await client.post("/predict", json={"features": []})
    (path,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["row"] for line in lines] == [0, 0, 1] and lines[0]["request_id"] == "first"
    assert {line["release"] for line in lines} == {release.digest}
    assert "JFK" not in path.read_text()


async def test_a_log_that_cannot_be_written_fails_no_request_and_is_counted(
    release: Release, loaded: Loaded, tmp_path: Path
) -> None:
    async with serving(release, lambda: loaded, Options(log_folder=tmp_path / "missing")) as client:
        assert (await client.post("/predict", json={"rows": [NAMED, NAMED]})).status_code == 200
        async with asyncio.timeout(10):
            while "gateline_log_failures_total 2.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.01)


async def test_no_log_where_the_release_wants_none(release: Release, loaded: Loaded, tmp_path: Path) -> None:
    silent = release.model_copy(update={"service": Service(prediction_log=False)})
    async with serving(silent, lambda: loaded, Options(log_folder=tmp_path)) as client:
        assert (await client.post("/predict", json={"features": ROW})).status_code == 200
    assert not list(tmp_path.iterdir())


async def test_unknown_paths_and_methods_are_refused_and_not_counted_as_predictions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.get("/predict")).status_code == 405
    assert 'gateline_requests_total{status="4xx"} 0.0' in (await client.get("/metrics")).text


async def test_the_openapi_document_is_served(client: httpx.AsyncClient) -> None:
    body = (await client.get("/openapi.json")).json()
    own = {path for path in body["paths"] if not path.startswith("/v2")}
    assert own == {"/predict", "/health/live", "/health/ready", "/metrics", "/drift"}
    assert body["components"]["schemas"]["Row"]["properties"]["hour"]["maximum"] == 23


async def test_the_page_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "POST /predict" in answer.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/drift", "/openapi.json", "/docs"])
async def test_head_is_answered_as_get_is(client: httpx.AsyncClient, path: str) -> None:
    asked, got = await client.head(path), await client.get(path)
    assert (asked.status_code, asked.headers["content-type"]) == (200, got.headers["content-type"])


async def test_head_of_ready_waits_for_the_model(release: Release, loaded: Loaded) -> None:
    application = Application(release, lambda: loaded, Options(), lambda: None)
    transport = httpx.ASGITransport(application.build())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.head("/health/ready")).status_code == 503


async def test_metrics_declare_the_format_that_they_are_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE gateline_requests_total counter" in answer.text


@pytest.mark.parametrize("path", ["/predict/", "/health/ready/", "//predict", "/predictt"])
async def test_a_path_that_is_none_leads_nowhere_else(release: Release, loaded: Loaded, path: str) -> None:
    async with serving(release, lambda: loaded, Options(hosts=("elsewhere.example",))) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, f"http://elsewhere.example{path}")
            assert answer.status_code == 404 and "location" not in answer.headers
            assert "elsewhere" not in answer.text and "did you mean '/" in answer.json()["detail"]
