"""Scores shared between replicas through Redis. Optional: answers go on without Redis."""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Awaitable, Sequence
from hashlib import sha256
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateline.contracts.release import Release
from gateline.settings.errors import UsageError

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.05
"""Longest wait for Redis."""
REST_SECONDS = 2.0
"""Time between tries to reach a Redis that failed; requests do not ask it meanwhile."""
WRITES = 64
"""Most writes under way; beyond it scores are not shared."""

Scores = list[float]
Rows = Sequence[Sequence[Any]]
"""Encoded rows, shape (n, features)."""


class ScoreCache:
    """Scores by project, release and row. Requests ask Redis only while it answers; a task of its own finds it back."""

    def __init__(self, url: str, release: Release) -> None:
        """Prepare the connection to `url`; `search` makes it. Raises UsageError for a URL that is none."""
        try:
            self._redis = Redis.from_url(
                url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as error:
            advice = "set service.redis_url or GATELINE_REDIS_URL to redis://host:port"
            raise UsageError(f"the Redis URL is not one: {error}", advice) from None
        self._prefix = f"{release.project}:{release.digest}:"
        self._seconds = release.service.cache_seconds
        self.width = 0
        """Scores a row; zero until the model is loaded, and nothing shared is believed till then."""
        self.answering = False
        self._probe: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[None]] = set()

    def key(self, row: Sequence[Any]) -> str:
        """Return the key of an encoded row."""
        return self._prefix + sha256(json.dumps(list(row), ensure_ascii=False).encode()).hexdigest()

    def search(self) -> None:
        """Look for Redis in the background until it answers; nobody asks it meanwhile."""
        self.answering = False
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._find())

    async def get(self, rows: Rows) -> list[Scores | None]:
        """Return the scores of each row, or None where they are not shared."""
        if not self.answering:
            return [None] * len(rows)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self._redis.mget([self.key(row) for row in rows])
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return [None] * len(rows)
        return [self._read(value) for value in found]

    def put(self, rows: Rows, scores: Sequence[Scores]) -> None:
        """Share scores, without waiting for it."""
        if self.answering and len(self._writes) < WRITES:
            values = {self.key(row): json.dumps(score) for row, score in zip(rows, scores)}
            task = asyncio.create_task(self._write(values))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Give the connections back."""
        tasks = [*self._writes, *([self._probe] if self._probe else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._redis.connection_pool.disconnect()

    async def _write(self, values: dict[str, str]) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                pipeline = self._redis.pipeline(transaction=False)
                for key, value in values.items():
                    pipeline.set(key, value, ex=self._seconds)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)

    async def _find(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(10 * ANSWER_SECONDS):
                    ping: Awaitable[bool] | bool = self._redis.ping()
                    assert not isinstance(ping, bool)
                    await ping
                self.answering = True
                return
            await asyncio.sleep(REST_SECONDS)

    def _failed(self, error: Exception) -> None:
        if self.answering:
            log.warning("Redis does not answer (%s); predictions go on without it", type(error).__name__)
        self.search()

    def _read(self, value: bytes | str | None) -> Scores | None:
        """Return shared scores, or None for what this release cannot have written."""
        try:
            scores = json.loads(value) if value is not None else None
        except ValueError:
            return None
        if not isinstance(scores, list) or len(scores) != self.width:
            return None
        return scores if all(isinstance(score, float) and math.isfinite(score) for score in scores) else None
