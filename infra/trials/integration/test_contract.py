"""What a release promises its callers."""

from typing import Any

import httpx


def test_ready_names_the_release(client: httpx.Client, golden: dict[str, Any]) -> None:
    body = client.get("/health/ready").json()
    assert body["version"] == golden["manifest"]["version"]
    assert body["artifact"] == golden["manifest"]["identity"]


def test_named_and_positional_rows_answer_alike(client: httpx.Client, golden: dict[str, Any]) -> None:
    for named, positional in zip(golden["rows"], golden["positional"], strict=True):
        first = client.post("/predict", json={"features": named})
        second = client.post("/predict", json={"features": positional})
        assert (first.status_code, second.status_code) == (200, 200), first.text
        assert first.json()["prediction"] == second.json()["prediction"]
        assert first.json()["request_id"] != second.json()["request_id"]


def test_many_rows_answer_in_order(client: httpx.Client, golden: dict[str, Any]) -> None:
    many = client.post("/predict", json={"rows": golden["rows"]}).json()["predictions"]
    single = [client.post("/predict", json={"features": row}).json()["prediction"] for row in golden["rows"]]
    assert [answer["prediction"] for answer in many] == single


def test_request_id_is_taken_over(client: httpx.Client, golden: dict[str, Any]) -> None:
    answer = client.post("/predict", json={"features": golden["rows"][0]}, headers={"x-request-id": "order-4711"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "order-4711"


def test_every_answer_names_version_and_release(client: httpx.Client, golden: dict[str, Any]) -> None:
    answer = client.post("/predict", json={"features": golden["rows"][0]})
    assert answer.json()["model_version"] == golden["manifest"]["version"]
    assert answer.headers["x-gateline-release"] == client.get("/health/ready").json()["release"]


def test_description_shows_every_feature(client: httpx.Client, golden: dict[str, Any]) -> None:
    text = client.get("/openapi.json").text
    missing = [name for name in golden["manifest"]["features"] if f'"{name}"' not in text]
    assert not missing


def test_metrics_count_the_requests(client: httpx.Client, golden: dict[str, Any]) -> None:
    """The counter of answers grows by one with each request."""

    def count() -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith('gateline_requests_total{status="2xx"}')
        )

    before = count()
    for _ in range(3):
        client.post("/predict", json={"features": golden["rows"][0]})
    assert count() == before + 3
