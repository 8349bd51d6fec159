"""Bad requests are answered with 4xx and a reason, never with 5xx, and good ones are still answered."""

import json
from typing import Any

import httpx
import pytest

HOSTILE = {
    "empty body": b"",
    "not json": b"{features: [1]}",
    "not utf-8": b"\xff\xfe{}",
    "a list": b"[]",
    "null": b"null",
    "wrong key": b'{"feature": [1]}',
    "no rows": b'{"rows": []}',
    "row too short": b'{"features": [1]}',
    "deep": b'{"features": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "huge": b'{"features": ["' + b"x" * 2_000_000 + b'"]}',
    "huge number": b'{"features": [' + b"9" * 5000 + b"]}",
    "both forms": b'{"features": [1], "rows": [{}]}',
    "duplicate": b'{"features": [1], "features": {"a": 1}}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_body(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text[:200]


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e308", "1e999", '"\\u0000"', "{}", "[]", "true", '"text"']
)
def test_hostile_value_in_every_field(client: httpx.Client, golden: dict[str, Any], value: str) -> None:
    for name in golden["rows"][0]:
        row = {key: item for key, item in golden["rows"][0].items() if key != name}
        body = json.dumps({"features": row})[:-2] + f", {json.dumps(name)}: {value}}}}}"
        answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (name, answer.text[:200])


def test_a_renamed_field_is_refused(client: httpx.Client, golden: dict[str, Any]) -> None:
    row = dict(golden["rows"][0])
    name = next(iter(row))
    row[f"{name}_renamed"] = row.pop(name)
    answer = client.post("/predict", json={"features": row})
    assert 400 <= answer.status_code < 500
    assert name in answer.text


def test_good_requests_go_on(client: httpx.Client, golden: dict[str, Any]) -> None:
    for body in HOSTILE.values():
        client.post("/predict", content=body)
        assert client.post("/predict", json={"features": golden["rows"][0]}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/predict").status_code == 405
