"""The shared cache is used when Redis is there, and requests are answered without it when Redis stalls or dies."""

import os
import time
from typing import Any

import httpx
import redis


def hits(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("gateline_cache_hits_total "))


def test_an_equal_row_is_answered_from_redis(client: httpx.Client, golden: dict[str, Any]) -> None:
    before = hits(client)
    answers = [client.post("/predict", json={"features": golden["rows"][0]}).json()["prediction"] for _ in range(3)]
    assert len(set(answers)) == 1
    assert hits(client) >= before + 2


def test_answers_go_on_when_redis_stalls_and_dies(client: httpx.Client, golden: dict[str, Any]) -> None:
    """Redis is paused for 2 s, then shut down: no answer waits for it."""
    store = redis.Redis.from_url(os.environ["GATELINE_REDIS_URL"])
    store.client_pause(2_000)
    begun = time.monotonic()
    statuses = [client.post("/predict", json={"features": row}).status_code for row in golden["rows"][:10]]
    assert set(statuses) == {200}
    assert time.monotonic() - begun < 2.0, "ten answers waited for a stalled Redis"
    store.shutdown(nosave=True)
    statuses = [client.post("/predict", json={"features": row}).status_code for row in golden["rows"]]
    assert set(statuses) == {200}
    store.close()
