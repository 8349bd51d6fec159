"""The paths of the Open Inference Protocol over HTTP: answered, counted, logged and refused as /predict does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.headers import made_up
from gateline.contracts.release import Release
from gateline.settings import Service
from service.app import Application, Options
from service.predictor import Predictor
from service.state import Loaded, load
from tests.service import bundles
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
INFER = "/v2/models/flights/infer"
DATATYPES = {str: "BYTES", int: "INT64", float: "FP64", bool: "BOOL", type(None): "FP64"}
COLUMNS = [{"name": n, "datatype": DATATYPES[type(v)], "shape": [1], "data": [v]} for n, v in NAMED.items()]
ONE = {"inputs": COLUMNS}


def changed(**columns: Any) -> dict[str, Any]:
    """Return the request for one row with other values."""
    values = NAMED | columns
    return {"inputs": [one | {"data": [values[str(one["name"])]]} for one in COLUMNS]}


async def count(client: httpx.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def test_a_row_is_answered_as_predict_answers_it(client: httpx.AsyncClient, release: Release) -> None:
    usual = (await client.post("/predict", json={"features": ROW})).json()
    answer = await client.post(INFER, json=ONE | {"id": "42"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "model_name": "flights",
        "model_version": release.version,
        "id": "42",
        "outputs": [
            {"name": "prediction", "datatype": "INT64", "shape": [1], "data": [usual["prediction"]]},
            {"name": "probability", "datatype": "FP64", "shape": [1], "data": [usual["probability"]]},
        ],
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-gateline-release"] == release.digest


async def test_the_version_may_be_named(client: httpx.AsyncClient, release: Release) -> None:
    for path in ("", "/ready"):
        for version in ("", f"/versions/{release.version}"):
            assert (await client.get(f"/v2/models/flights{version}{path}")).status_code == 200
    answer = await client.post(f"/v2/models/flights/versions/{release.version}/infer", json=ONE)
    assert answer.json()["outputs"] == (await client.post(INFER, json=ONE)).json()["outputs"]


MLSERVER: dict[str, dict[str, Any]] = {
    "a data frame": {
        "parameters": {"content_type": "pd"},
        "inputs": [
            {
                "name": "carrier", "shape": [2, 1], "datatype": "BYTES", "parameters": {"content_type": "str"},
                "data": ["AA", "B6"],
            },
            {
                "name": "dest", "shape": [2, 1], "datatype": "BYTES", "parameters": {"content_type": "str"},
                "data": ["JFK", "LAX"],
            },
            {"name": "hour", "shape": [2, 1], "datatype": "INT64", "data": [17, 18]},
            {"name": "delay", "shape": [2, 1], "datatype": "FP64", "data": [12.5, 0.0]},
            {"name": "seats", "shape": [2, 1], "datatype": "FP64", "data": [None, 150.0]},
            {"name": "weekend", "shape": [2, 1], "datatype": "BOOL", "data": [False, True]},
            {
                "name": "booked", "shape": [2, 1], "datatype": "BYTES", "parameters": {"content_type": "str"},
                "data": ["2013-06-01T12:00:00Z"] * 2,
            },
        ],
    },
    "an array of texts": {
        "parameters": {"content_type": "np"},
        "inputs": [{
            "name": "input-1", "shape": [2, 7], "datatype": "BYTES", "parameters": {"content_type": "np"},
            "data": [
                "AA", "JFK", "17", "12.5", "", "False", "2013-06-01T12:00:00Z",
                "B6", "LAX", "18", "0.0", "150", "True", "2013-06-01T12:00:00Z",
            ],
        }],
    },
}  # fmt: skip
"""As MLServer 1.7's codecs write them: `PandasCodec.encode_request` and `NumpyRequestCodec.encode_request`."""
SAME = [
    ["AA", "JFK", 17, 12.5, None, False, "2013-06-01T12:00:00Z"],
    ["B6", "LAX", 18, 0.0, 150, True, "2013-06-01T12:00:00Z"],
]


@pytest.mark.parametrize("body", MLSERVER.values(), ids=MLSERVER)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
async def test_the_bodies_of_mlservers_clients_get_what_scikit_learn_says(
    tmp_path: Path, task: str, body: dict[str, Any]
) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(task=task))
    loaded = load(tmp_path / "b", release)
    async with serving(release, lambda: loaded) as client:
        outputs = {one["name"]: one for one in (await client.post(INFER, json=body)).json()["outputs"]}
    scores = bundles.expected(tmp_path / "b", SAME)
    if task == "regression":
        assert outputs["prediction"]["data"] == [score for score, in scores]
    elif task == "binary":
        assert outputs["probability"]["data"] == [positive for _, positive in scores]
    else:
        assert outputs["probabilities"]["data"] == [share for row in scores for share in row]
        assert outputs["probabilities"]["shape"] == [2, 3]


async def test_rows_count_as_those_of_predict(release: Release, loaded: Loaded, tmp_path: Path) -> None:
    fresh = load_again(loaded, release)
    async with serving(release, lambda: fresh, Options(log_folder=tmp_path, token="t")) as client:
        for headers in ({}, made_up("t"), made_up("other")):
            assert (await client.post(INFER, json=ONE | {"id": "order-1"}, headers=headers)).status_code == 200
        assert (await client.post(INFER, json=changed(hour=25))).status_code == 422
        assert await count(client, "gateline_rows_total") == 3
        assert await count(client, 'gateline_requests_total{status="2xx"}') == 3
        assert await count(client, 'gateline_requests_total{status="4xx"}') == 1
        assert await count(client, "gateline_request_seconds_count") == 4
        assert (await client.get("/drift")).json()["rows"] == 2, "rows that are made up are left out"
    (path,) = tmp_path.iterdir()
    logged = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["request_id"] for line in logged] == ["order-1", "order-1"]


def load_again(loaded: Loaded, release: Release) -> Loaded:
    """Return the model with counters of its own."""
    from service.metrics import DriftCounters

    predictor = loaded.predictor
    features = predictor.model.manifest.features
    return replace(loaded, drift=DriftCounters(predictor.reference, features, release, predictor.meant))


@pytest.mark.parametrize(
    ("header", "given", "named"),
    [("order-1", "42", "order-1"), (None, "42", "42"), (None, "a b", None), (None, None, None), ("a b", "42", None)],
)
async def test_the_request_id_is_the_headers_or_that_of_the_body(
    client: httpx.AsyncClient, header: str | None, given: str | None, named: str | None
) -> None:
    headers = {} if header is None else {"X-Request-ID": header}
    answer = await client.post(INFER, json=ONE | {"id": given}, headers=headers)
    assert answer.headers["x-request-id"] == named or (named is None and len(answer.headers["x-request-id"]) == 32)
    assert answer.json().get("id") == given


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "the body is empty"),
        (b"{", 400, "not JSON that can be read"),
        (json.dumps({"inputs": []}).encode(), 422, r"inputs is []"),
        (json.dumps(changed(hour=25)).encode(), 422, "rows[0].hour is 25; allowed: a whole number from 0 to 23"),
        (json.dumps(changed(carrier="XX")).encode(), 422, 'rows[0].carrier is "XX"; allowed: one of "AA", "B6", "UA"'),
        (json.dumps(changed(delay=-999.0)).encode(), 422, "rows[0].delay is -999.0; allowed: a number other than -999"),
        (json.dumps({"inputs": COLUMNS[1:]}).encode(), 422, "rows[0].carrier is missing"),
        (json.dumps({"inputs": [*COLUMNS, COLUMNS[0] | {"name": "carier"}]}).encode(), 422, "did you mean 'carrier'"),
        (json.dumps(ONE | {"outputs": [{"name": "odds"}]}).encode(), 422, 'output "odds" is not known'),
        (b" " * 2**20 + b" ", 413, "allowed: 1048576 bytes (service.max_body_bytes)"),
    ],
)
async def test_what_is_wrong_is_said_in_the_protocols_error(
    client: httpx.AsyncClient, body: bytes, status: int, said: str
) -> None:
    answer = await client.post(INFER, content=body)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"] and said in answer.json()["error"]
    assert answer.headers["x-request-id"] and answer.headers["content-type"] == "application/json"
    assert await count(client, 'gateline_requests_total{status="4xx"}') == 1
    assert await count(client, "gateline_rows_total") == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v2/models/trains", 404, 'no model "trains"; allowed: flights'),
        ("GET", "/v2/models/flight/ready", 404, "did you mean 'flights'"),
        ("POST", "/v2/models/trains/infer", 404, "no model"),
        ("POST", "/v2/models/flights/versions/1/infer", 404, 'no version of this model "1"; allowed: 20261124-abcdef0'),
        ("GET", "/v2/models", 404, 'there is no "/v2/models"'),
        ("GET", "/v2/nothing", 404, 'there is no "/v2/nothing"'),
        ("GET", INFER, 405, "Method Not Allowed"),
        ("POST", "/v2", 405, "Method Not Allowed"),
    ],
)
async def test_what_is_not_there_is_said_in_the_protocols_error(
    client: httpx.AsyncClient, method: str, path: str, status: int, said: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"]) and said in answer.json()["error"]
    assert status != 405 or answer.headers["allow"]
    assert await count(client, 'gateline_requests_total{status="4xx"}') == 0, "no prediction was asked for"


async def test_nothing_is_ready_before_the_model_is_loaded(release: Release, loaded: Loaded) -> None:
    application = Application(release, lambda: loaded, Options(), lambda: None)
    transport = httpx.ASGITransport(application.build())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        paths = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/flights", "/v2/models/flights/ready")
        assert [(await client.get(path)).status_code for path in paths] == [200, 200, 503, 503, 503]
        assert (await client.get("/v2/health/ready")).json() == {"ready": False}
        assert (await client.get("/v2/models/flights/ready")).json() == {"name": "flights", "ready": False}
        early = await client.post(INFER, json=ONE)
        assert (early.status_code, early.headers["retry-after"]) == (503, "1")
        assert early.json() == {"error": "the model is being loaded"}


async def test_what_the_door_refuses_is_said_in_the_protocols_error(release: Release, loaded: Loaded) -> None:
    key = "k" * 32
    async with serving(release, lambda: loaded, Options(keys=(key,))) as client:
        known = {"Authorization": f"Bearer {key}"}
        assert (await client.post(INFER, json=ONE, headers=known)).status_code == 200
        for path in (INFER, "/v2", "/v2/models/flights"):
            refused = await client.post(path, json=ONE)
            assert refused.status_code == 401 and "asks for a key" in refused.json()["error"]
        for path in ("/v2/health/live", "/v2/health/ready"):
            assert (await client.get(path)).status_code == 200
            assert (await client.get(f"http://elsewhere.example{path}")).status_code == 200
        stranger = await client.post(f"http://elsewhere.example{INFER}", json=ONE)
        assert stranger.status_code == 421 and "is not called" in stranger.json()["error"]


class Moody:
    """Hooks that fail for one hour of the day, refuse another, and add why to every answer."""

    def before(self, rows: list[list[Any]]) -> list[list[Any]]:
        if rows[0][2] == 1:
            raise RuntimeError("out of luck")
        if rows[0][2] == 2:
            raise ValueError("no flights at two")
        return rows

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [answer | {"why": "the hour"} for answer in answers]


@pytest.fixture()
async def moody(release: Release, loaded: Loaded) -> AsyncIterator[httpx.AsyncClient]:
    served = replace(loaded, predictor=Predictor(loaded.predictor.model, Moody()))
    async with serving(release, lambda: served) as opened:
        yield opened


async def test_hooks_have_their_say(moody: httpx.AsyncClient) -> None:
    answers = [await moody.post(INFER, json=changed(hour=hour)) for hour in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [500, 422, 200]
    assert answers[0].json() == {"error": "the prediction failed; the service's log says why"}
    assert answers[1].json() == {"error": "no flights at two"}
    assert answers[2].json()["outputs"][2] == {"name": "why", "datatype": "BYTES", "shape": [1], "data": ["the hour"]}
    only = await moody.post(INFER, json=ONE | {"outputs": [{"name": "why"}]})
    assert [one["name"] for one in only.json()["outputs"]] == ["why"]
    assert await count(moody, 'gateline_requests_total{status="5xx"}') == 1


async def test_more_rows_than_the_release_takes_are_refused(release: Release, loaded: Loaded) -> None:
    few = release.model_copy(update={"service": Service(max_rows=1000)})
    async with serving(few, lambda: loaded) as client:
        wide = [one | {"shape": [1001], "data": [NAMED[str(one["name"])]] * 1001} for one in COLUMNS]
        refused = await client.post(INFER, json={"inputs": wide})
        assert refused.status_code == 422 and "holds 1001 rows; allowed: 1 to 1000" in refused.json()["error"]


async def test_head_is_answered_as_get_is(client: httpx.AsyncClient) -> None:
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/flights", "/v2/models/flights/ready"):
        assert (await client.head(path)).status_code == 200


def wide(count: int, **more: Any) -> bytes:
    """Return a request of many tensors."""
    inputs = [{"name": f"c{n}", "datatype": "FP64", "shape": [1], "data": [1]} for n in range(count)]
    return json.dumps({"inputs": inputs} | more).encode()


def matrix(data: str, shape: str = "[1000, 7]") -> bytes:
    return f'{{"inputs": [{{"name": "x", "datatype": "FP64", "shape": {shape}, "data": {data}}}]}}'.encode()


HOSTILE: dict[str, bytes] = {
    "many tensors": wide(10_000),
    "many outputs": wide(1, outputs=[{"name": str(n)} for n in range(20_000)]),
    "many parameters": wide(1, parameters={str(n): n for n in range(40_000)}),
    "many elements": matrix(f"[{','.join('1' * 300_000)}]"),
    "many lists": matrix(f"[{','.join(['[[]]'] * 150_000)}]"),
    "deep lists": matrix("[" * 100_000),
    "deep objects": b'{"inputs":' * 10_000,
    "a long number": matrix(f"[{'9' * 500_000}]"),
    "a huge number": matrix("[1e309, 1, 1, 1, 1, 1, 1]", "[1, 7]"),
    "a huge shape": matrix("[1]", f"[1, {'9' * 300}]"),
    "a shape below zero": matrix("[1]", "[-1]"),
    "lone surrogates": matrix(r'["\ud800"]'),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_body_is_refused_and_the_next_request_answered(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(INFER, content=body)
    assert answer.status_code in (400, 422), answer.text[:1000]
    assert answer.json()["error"] and len(answer.content) < 10_000
    assert (await client.post(INFER, json=ONE)).status_code == 200
    assert await count(client, 'gateline_requests_total{status="5xx"}') == 0


BINARY: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "no data": ({"binary_data_size": 8}, b"", "0"),
    "a header beyond the body": ({"binary_data_size": 8}, b"", "9" * 18),
    "a header of another kind": ({"binary_data_size": 8}, b"\0" * 8, "1e3"),
    "half of the data": ({"binary_data_size": 8}, b"\0" * 4, ""),
    "data of nobody": ({}, b"\0" * 8, ""),
    "a size below nothing": ({"binary_data_size": -8}, b"", ""),
    "not finite": ({"binary_data_size": 8}, b"\0\0\0\0\0\0\xf0\x7f", ""),
}


@pytest.mark.parametrize(("parameters", "data", "header"), BINARY.values(), ids=BINARY)
async def test_hostile_binary_data_is_refused(
    client: httpx.AsyncClient, parameters: dict[str, Any], data: bytes, header: str
) -> None:
    head = json.dumps({"inputs": [{"name": "delay", "datatype": "FP64", "shape": [1], "parameters": parameters}]}).encode()
    length = {"Inference-Header-Content-Length": header or str(len(head))}
    answer = await client.post(INFER, content=head + data, headers=length)
    assert answer.status_code in (400, 422) and answer.json()["error"], answer.text
    assert (await client.post(INFER, json=ONE)).status_code == 200
