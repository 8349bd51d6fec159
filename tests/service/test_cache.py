"""Scores are shared through a real Redis; frozen, killed or poisoned, it costs no answer and no time."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis as Client

from gateline.contracts.release import Release
from gateline.settings.errors import UsageError
from service.app import Options
from service.cache import ANSWER_SECONDS, ScoreCache
from service.state import Loaded
from tests.service import processes
from tests.service.bundles import NAMED
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
ROWS: list[list[Any]] = [["AA", None, 1.0, float("nan")], ["B6", "JFK", 2.0, 3.0]]


@pytest.fixture()
def redis() -> Iterator[processes.Redis]:
    with processes.redis() as server:
        yield server


@pytest.fixture()
async def cache(redis: processes.Redis, release: Release) -> AsyncIterator[ScoreCache]:
    opened = ScoreCache(redis.url, release)
    opened.width = 2
    opened.search()
    await found(opened)
    yield opened
    await opened.close()


async def found(cache: ScoreCache) -> None:
    async with asyncio.timeout(processes.PATIENCE):
        while not cache.answering:
            await asyncio.sleep(0.01)


async def shared(cache: ScoreCache, scores: list[list[float]]) -> None:
    """Put until it can be read: what Redis takes too long to answer is given up, on a busy machine a put as well."""
    async with asyncio.timeout(processes.PATIENCE):
        while None in await cache.get(ROWS):
            cache.put(ROWS, scores)
            await asyncio.sleep(0.01)


async def hits(client: httpx.AsyncClient) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("gateline_cache_hits_total "))


async def test_scores_come_back_bit_for_bit(cache: ScoreCache) -> None:
    scores = [[0.1 + 0.2, 1e-300], [1 / 3, 1.0]]
    assert await cache.get(ROWS) == [None, None]
    await shared(cache, scores)
    assert await cache.get(ROWS[::-1]) == scores[::-1]


async def test_keys_differ_by_row_release_and_project(release: Release) -> None:
    others = [release, release.model_copy(update={"digest": "1" * 64}), release.model_copy(update={"project": "other"})]
    caches = [ScoreCache("redis://127.0.0.1:1", other) for other in others]
    keys = {cache.key(row) for cache in caches for row in ROWS}
    assert len(keys) == 6
    assert all(key.startswith(("flights:", "other:")) for key in keys)
    assert not any("JFK" in key for key in keys)


async def test_shared_scores_live_as_long_as_the_release_says(
    cache: ScoreCache, redis: processes.Redis, release: Release
) -> None:
    await shared(cache, [[0.5, 0.5], [0.1, 0.9]])
    async with Client.from_url(redis.url) as client:
        seconds = await client.ttl(cache.key(ROWS[0]))
    assert release.service.cache_seconds - 10 < seconds <= release.service.cache_seconds


@pytest.mark.parametrize("value", ["[0.5]", "[0.5, NaN]", '[0.5, "x"]', "{}", "not json", "\xff", "[0.5, 0.5, 0.5]"])
async def test_a_poisoned_value_is_a_miss(cache: ScoreCache, redis: processes.Redis, value: str) -> None:
    async with Client.from_url(redis.url) as client:
        await client.set(cache.key(ROWS[0]), value.encode("latin-1"))
        await client.set(cache.key(ROWS[1]), json.dumps([0.25, 0.75]))
    assert await cache.get(ROWS) == [None, [0.25, 0.75]]


async def test_a_value_of_another_type_is_a_miss_and_not_an_error(cache: ScoreCache, redis: processes.Redis) -> None:
    async with Client.from_url(redis.url) as client:
        await client.rpush(cache.key(ROWS[0]), "x")
    assert await cache.get(ROWS[:1]) == [None]


async def test_a_frozen_redis_costs_one_short_wait_and_mixes_up_no_answers(
    cache: ScoreCache, redis: processes.Redis
) -> None:
    await shared(cache, [[0.5, 0.5], [0.1, 0.9]])
    redis.signal(signal.SIGSTOP)
    started = time.perf_counter()
    for _ in range(100):
        assert await cache.get(ROWS) == [None, None]
    assert time.perf_counter() - started < 50 * ANSWER_SECONDS, "every request waited, not one"
    redis.signal(signal.SIGCONT)
    await found(cache)
    assert await cache.get(ROWS[1:]) == [[0.1, 0.9]]


async def test_a_redis_that_is_not_there_is_never_waited_for(release: Release, loaded: Loaded) -> None:
    url = f"redis://127.0.0.1:{processes.free_port()}"
    async with serving(release, lambda: loaded, Options(redis_url=url)) as client:
        answer = await client.post("/predict", json={"features": NAMED})
    assert answer.status_code == 200


@pytest.mark.slow
async def test_a_redis_killed_in_mid_use_costs_no_answer_and_is_found_again(
    release: Release, loaded: Loaded, redis: processes.Redis
) -> None:
    async with serving(release, lambda: loaded, Options(redis_url=redis.url)) as client:

        async def ask(hour: int) -> str:
            answer = await client.post("/predict", json={"features": NAMED | {"hour": hour % 24}})
            assert answer.status_code == 200
            return str(answer.json()["probability"])

        async def use_it() -> None:
            before = await hits(client)
            async with asyncio.timeout(processes.PATIENCE):
                while await hits(client) < before + 3:
                    await ask(7)
                    await asyncio.sleep(0.005)

        await use_it()
        asking = asyncio.gather(*(ask(number) for number in range(200)))
        await asyncio.sleep(0)
        redis.signal(signal.SIGKILL)
        first = await asking
        assert [await ask(number) for number in range(50)] == first[:50]
        redis.start()
        await use_it()


async def test_cached_rows_are_counted_and_only_the_others_are_scored(
    release: Release, loaded: Loaded, redis: processes.Redis
) -> None:
    async with serving(release, lambda: loaded, Options(redis_url=redis.url)) as client:
        rows = [NAMED | {"hour": hour} for hour in range(3)]
        plain = (await client.post("/predict", json={"rows": rows})).json()["predictions"]
        async with asyncio.timeout(processes.PATIENCE):
            while await hits(client) < 3:
                await client.post("/predict", json={"rows": rows})
                await asyncio.sleep(0.005)
        before = await hits(client)
        mixed = (await client.post("/predict", json={"rows": [*rows, NAMED | {"hour": 20}]})).json()["predictions"]
        assert mixed[:3] == plain
        assert await hits(client) == before + 3


async def test_a_url_that_is_none_is_refused(release: Release) -> None:
    with pytest.raises(UsageError, match="the Redis URL is not one"):
        ScoreCache("http://localhost", release)
