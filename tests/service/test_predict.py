"""The HTTP contract of /predict: answers, headers, counters, and what happens to everything that is no good request."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts import samples
from gateline.contracts.release import Release
from service.predictor import Predictor
from service.state import Loaded
from tests.service import bundles
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import model_of, serving

pytestmark = pytest.mark.anyio


async def count(client: httpx.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def test_one_row_answers_at_the_top_level(client: httpx.AsyncClient, bundle: Path, release: Release) -> None:
    ((_, positive),) = bundles.expected(bundle, [ROW])
    for features in (ROW, NAMED):
        answer = await client.post("/predict", json={"features": features})
        body = answer.json()
        assert answer.status_code == 200
        assert body == {
            "prediction": int(positive >= 0.5),
            "probability": positive,
            "model_version": release.version,
            "request_id": answer.headers["x-request-id"],
        }
        assert answer.headers["x-gateline-release"] == release.digest
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("rows", [1, 64, 65, 300])
async def test_many_rows_answer_in_order_on_either_side_of_the_thread_limit(
    client: httpx.AsyncClient, bundle: Path, rows: int
) -> None:
    drawn = samples.rows(bundles.schema(), rows, seed=rows)
    named = [dict(zip(NAMED, row)) for row in drawn]
    body = (await client.post("/predict", json={"rows": named})).json()
    positive = [scores[1] for scores in bundles.expected(bundle, drawn)]
    assert [answer["probability"] for answer in body["predictions"]] == positive
    assert set(body) == {"predictions", "model_version", "request_id"}
    assert await count(client, "gateline_rows_total") == rows


@dataclass(frozen=True)
class Watched:
    """A model that notes the thread it scores in."""

    estimator: Any
    threads: list[threading.Thread]

    def predict_proba(self, rows: Any) -> Any:
        self.threads.append(threading.current_thread())
        return self.estimator.predict_proba(rows)


async def test_few_rows_are_scored_on_the_loop_and_many_outside_it(release: Release, loaded: Loaded) -> None:
    model = model_of(loaded)
    watched = Watched(model.estimator, [])
    predictor = Predictor(replace(model, estimator=watched), Moody())
    async with serving(release, lambda: replace(loaded, predictor=predictor)) as client:
        for rows in (64, 65):
            assert (await client.post("/predict", json={"rows": [NAMED] * rows})).status_code == 200
    assert [thread is threading.main_thread() for thread in watched.threads] == [True, False]


@pytest.mark.parametrize(
    ("task", "keys"), [("multiclass", {"prediction", "probabilities"}), ("regression", {"prediction"})]
)
async def test_other_tasks_answer_their_keys_and_count_their_labels(tmp_path: Path, task: str, keys: set[str]) -> None:
    from service.state import load

    release = bundles.write(tmp_path / "b", bundles.Recipe(task=task))
    loaded = load(tmp_path / "b", release)
    async with serving(release, lambda: loaded) as client:
        body = (await client.post("/predict", json={"features": ROW})).json()
        assert set(body) == keys | {"model_version", "request_id"}
        (scores,) = bundles.expected(tmp_path / "b", [ROW])
        label = body["prediction"] if task == "multiclass" else "2" if 60 <= scores[0] < 100 else "1"
        assert await count(client, f'gateline_predictions_total{{label="{label}"}}') == 1
        if task == "multiclass":
            assert list(body["probabilities"].values()) == scores
        else:
            assert body["prediction"] == scores[0]


@pytest.mark.parametrize("given", ["order-4711", "a.b:c_D", "x" * 128])
async def test_a_well_formed_request_id_is_taken_over(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "<script>"])
async def test_another_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    ids = set()
    for _ in range(2):
        answer = await client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": given})
        ids.add(answer.json()["request_id"])
        assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert len(ids) == 2 and all(len(made) == 32 and int(made, 16) for made in ids)


HOSTILE: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "no json": (b"features=1", 400),
    "cut": (b'{"features": [1', 400),
    "no utf-8": (b'{"features": ["\xff\xfe"]}', 400),
    "byte order mark": (b"\xef\xbb\xbf{}", 400),
    "a name twice": (json.dumps({"features": NAMED}).encode()[:-2] + b', "hour": 1}}', 422),
    "deep lists": (b'{"features":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "deep objects": (b'{"features":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "deep but read": (b'{"features": [' + b"[" * 150 + b"]" * 150 + b"]}", 422),
    "long number": (b'{"features": [' + b"1" * 100_000 + b"]}", 400),
    "null": (b"null", 422),
    "text": (b'"features"', 422),
    "no features": (b"{}", 422),
    "numbers for all": (b'{"features": [1, 1, 1, 1, 1, 1, 1]}', 422),
    "many unknown names": (json.dumps({"features": {str(n): n for n in range(50_000)}}).encode(), 422),
    "many empty rows": (json.dumps({"rows": [{}] * 100_000}).encode(), 422),
    "more rows than allowed": (json.dumps({"rows": [NAMED] * 1001}).encode(), 422),
}


@pytest.mark.parametrize(("body", "status"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_body_is_refused_and_the_next_request_answered(
    client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await client.post("/predict", content=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"] and answer.json()["request_id"] == answer.headers["x-request-id"]
    assert len(answer.content) < 10_000
    assert (await client.post("/predict", json={"features": ROW})).status_code == 200
    assert await count(client, 'gateline_requests_total{status="4xx"}') == 1
    assert await count(client, 'gateline_requests_total{status="5xx"}') == 0


VALUES = ["NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e999", "9" * 400, "{}", "[]", "[[1]]", '"\\u0000"', "{"]


@pytest.mark.parametrize("value", VALUES)
async def test_no_value_in_any_field_is_a_server_error(client: httpx.AsyncClient, value: str) -> None:
    for name in NAMED:
        others = json.dumps({other: given for other, given in NAMED.items() if other != name})
        body = f'{{"features": {others[:-1]}, "{name}": {value}}}}}'
        answer = await client.post("/predict", content=body)
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert name in answer.text or answer.status_code == 400


@dataclass(frozen=True)
class Moody:
    """Hooks that fail for one hour of the day, refuse another, and answer nonsense for a third."""

    def before(self, rows: list[list[Any]]) -> list[list[Any]]:
        if rows[0][2] == 1:
            raise RuntimeError("out of luck")
        if rows[0][2] == 2:
            raise ValueError("no flights at two")
        return rows

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [answer | {"when": float("nan")} if answer["probability"] < 0.001 else answer for answer in answers]


@pytest.fixture()
async def moody(release: Release, loaded: Loaded) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with hooks that misbehave."""
    served = replace(loaded, predictor=Predictor(loaded.predictor.model, Moody()))
    async with serving(release, lambda: served) as opened:
        yield opened


async def test_a_failing_hook_is_a_counted_500_and_others_go_on(
    moody: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answers = [await moody.post("/predict", json={"features": NAMED | {"hour": hour}}) for hour in (1, 17, 1, 17)]
    assert [answer.status_code for answer in answers] == [500, 200, 500, 200]
    assert answers[0].json()["detail"] == "the prediction failed; the service's log says why"
    assert await count(moody, 'gateline_requests_total{status="5xx"}') == 2
    assert await count(moody, "gateline_rows_total") == 2
    assert caplog.text.count("Traceback") == 1, "one stack trace a second, not one a request"
    assert answers[0].headers["x-request-id"] in caplog.text


async def test_a_hook_refuses_with_its_own_message(moody: httpx.AsyncClient) -> None:
    answer = await moody.post("/predict", json={"features": NAMED | {"hour": 2}})
    assert (answer.status_code, answer.json()["detail"]) == (422, "no flights at two")


async def test_an_answer_that_is_no_json_is_a_500_and_no_prediction(moody: httpx.AsyncClient) -> None:
    answer = await moody.post("/predict", json={"features": NAMED | {"hour": 0}})
    assert answer.status_code == 500
    assert await count(moody, "gateline_rows_total") == 0


class Catching:
    """A hook that answers nothing at night, an error in the morning, a word at noon, another class in the afternoon."""

    def before(self, rows: list[list[Any]]) -> list[list[Any]]:
        self.hours = [row[2] for row in rows]
        return rows

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self.answered(hour, answer) for hour, answer in zip(self.hours, answers)]

    def answered(self, hour: float, answer: dict[str, Any]) -> dict[str, Any]:
        if hour < 12:
            return {"prediction": (None, "", [], {})[int(hour)]} if hour < 4 else {"error": "no answer"}
        return {"prediction": "late" if hour == 12 else 1.0}


@pytest.fixture()
async def catching(release: Release, loaded: Loaded) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service whose hook catches everything."""
    served = replace(loaded, predictor=Predictor(loaded.predictor.model, Catching()))
    async with serving(release, lambda: served) as opened:
        yield opened


async def test_an_answer_without_a_prediction_is_counted_as_one(catching: httpx.AsyncClient) -> None:
    asked: list[dict[str, Any]] = [{"features": NAMED | {"hour": hour}} for hour in (0, 1, 2, 3, 5, 17, 12)]
    asked += [{"rows": [NAMED | {"hour": hour} for hour in hours]} for hours in ((12, 3, 4), (12, 17))]
    answers = [await catching.post("/predict", json=body) for body in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[4].json()["error"] == "no answer"
    assert await count(catching, "gateline_empty_answers_total") == 6
    assert await count(catching, 'gateline_requests_total{status="2xx"}') == 9


async def test_labels_are_counted_as_they_are_answered(catching: httpx.AsyncClient) -> None:
    for hour in (17, 18, 12, 3):
        await catching.post("/predict", json={"features": NAMED | {"hour": hour}})
    counted = {label: await count(catching, f'gateline_predictions_total{{label="{label}"}}') for label in ("0", "1")}
    assert counted == {"0": 0, "1": 2}
    assert await count(catching, 'gateline_predictions_total{label="\\"late\\""}') == 1
    assert await count(catching, "gateline_rows_total") == 4


async def test_numbers_are_counted_in_the_bin_of_what_is_answered(tmp_path: Path) -> None:
    from service.state import load

    class Doubled:
        def before(self, rows: list[list[Any]]) -> list[list[Any]]:
            return rows

        def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{"prediction": 1e6} for _ in answers]

    release = bundles.write(tmp_path / "b", bundles.Recipe(task="regression"))
    loaded = load(tmp_path / "b", release)
    served = replace(loaded, predictor=Predictor(loaded.predictor.model, Doubled()))
    async with serving(release, lambda: served) as client:
        await client.post("/predict", json={"features": ROW})
        assert await count(client, 'gateline_predictions_total{label="3"}') == 1
