"""Rows of requests that come at the same time are scored by one call of the model.

scikit-learn takes about as long for a row as for fifty. A request that comes while nothing is scored waits for nobody: it
is scored as soon as the event loop has read what else has arrived. Those that come meanwhile are the next batch.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateline.contracts.encoding import Encoded
from service.predictor import Scores

BATCH_ROWS = 64
"""Most rows of a batch; a request of more is scored by itself."""
BATCH_SECONDS = 0.05
"""A batch that took longer is followed by smaller ones, so that no request waits long for the rows of others."""
LOOP_SECONDS = 0.01
"""While a batch takes longer than this, it is scored in a thread: the event loop must go on answering."""
Score = Callable[[Sequence[Encoded]], Scores]
OffLoop = Callable[[bool, Callable[[], Scores]], Awaitable[Scores]]
"""Does a work in a thread where its first argument says so."""


@dataclass(frozen=True)
class Waiting:
    """The rows of one request, and what its scores are handed to."""

    score: Score
    rows: list[Encoded]
    scores: asyncio.Future[Scores]


class Batches:
    """Gathers the rows of requests; one batch is scored at a time."""

    def __init__(self, off_loop: OffLoop) -> None:
        """One function scores all requests of a process."""
        self._off_loop = off_loop
        self._waiting: deque[Waiting] = deque()
        self._work: asyncio.Task[None] | None = None
        self._limit, self._took = BATCH_ROWS, 0.0

    async def score(self, score: Score, rows: list[Encoded]) -> Scores:
        """Return the scores of one request's rows, at most `BATCH_ROWS`. Raises what `score` raises for these rows alone."""
        mine = Waiting(score, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._until_none_waits())
        return await mine.scores

    async def _until_none_waits(self) -> None:
        while batch := self._next():
            rows = [row for one in batch for row in one.rows]
            started = time.perf_counter()
            try:
                self._hand_out(batch, await self._scored(batch[0].score, rows))
            except Exception as error:
                await self._each_alone(batch, error)
            self._learn(len(rows), time.perf_counter() - started)
            await asyncio.sleep(0)  # what was answered is sent, what has come is read: those are the next batch

    def _next(self) -> list[Waiting]:
        """Take as many requests as a batch may hold, in the order in which they came; at least one."""
        batch: list[Waiting] = []
        rows = 0
        while self._waiting and (not batch or rows + len(self._waiting[0].rows) <= self._limit):
            one = self._waiting.popleft()
            if not one.scores.done():  # the request may have been given up
                rows += len(one.rows)
                batch.append(one)
        return batch

    async def _scored(self, score: Score, rows: list[Encoded]) -> Scores:
        return await self._off_loop(self._took > LOOP_SECONDS, lambda: score(rows))

    async def _each_alone(self, batch: list[Waiting], error: Exception) -> None:
        """Which rows failed nobody knows: each request gets what its own rows get."""
        for one in batch:
            try:
                self._hand_out([one], await self._scored(one.score, one.rows)) if len(batch) > 1 else _fail(one, error)
            except Exception as own:
                _fail(one, own)

    def _hand_out(self, batch: list[Waiting], scores: Scores) -> None:
        start = 0
        for one in batch:
            end = start + len(one.rows)
            if not one.scores.done():
                one.scores.set_result(scores[start:end])
            start = end

    def _learn(self, rows: int, seconds: float) -> None:
        self._took = seconds
        if seconds > BATCH_SECONDS:
            self._limit = max(1, min(self._limit, rows) // 2)
        else:
            self._limit = min(BATCH_ROWS, 2 * self._limit)


def _fail(one: Waiting, error: Exception) -> None:
    if isinstance(error, StopIteration):  # which no future takes
        error = RuntimeError("the model raised StopIteration")
    if not one.scores.done():
        one.scores.set_exception(error)
