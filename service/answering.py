"""From typed rows to counted answers: the steps that every protocol of the service takes, in their order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from gateline.contracts.encoding import Encoded
from service.batching import BATCH_ROWS, Batches
from service.columns import Row
from service.metrics import Metrics
from service.predictor import Refused, Scores
from service.prediction_log import PredictionLog
from service.refusals import Refusal
from service.state import Loaded

if TYPE_CHECKING:
    from service.cache import ScoreCache

INLINE_ROWS = BATCH_ROWS
"""Up to so many rows are scored on the event loop; a thread costs more than it gives."""
THREADS = 2
T = TypeVar("T")


class Answering:
    """`prepare`, `scores`, the predictor's `answer`, `count`."""

    def __init__(self, metrics: Metrics, prediction_log: PredictionLog | None, cache: ScoreCache | None) -> None:
        self.metrics, self.cache = metrics, cache
        self._log = prediction_log
        self._limiter: anyio.CapacityLimiter | None = None
        self._batches = Batches(self.off_loop)

    def prepare(self, loaded: Loaded, rows: list[Row]) -> list[Encoded]:
        """Return what is scored, after the hook `before`. Raises Refusal (422) where it refuses the rows, and BrokenModel."""
        try:
            return loaded.predictor.prepare(rows)
        except Refused as refused:
            raise Refusal(422, str(refused) or "the model's own check refused the rows") from refused

    async def scores(self, loaded: Loaded, rows: list[Encoded]) -> Scores:
        """Return the scores of prepared rows: take from the cache what it holds, score the rest, and share it."""
        cache = self.cache
        if cache is None:
            return await self._score(loaded, rows)
        found = await cache.get(rows)
        missing = [index for index, scores in enumerate(found) if scores is None]
        self.metrics.shared(len(rows) - len(missing))
        if missing:
            asked = [rows[index] for index in missing]
            fresh = await self._score(loaded, asked)
            cache.put(asked, fresh)
            for index, scores in zip(missing, fresh):
                found[index] = scores
        return [scores for scores in found if scores is not None]

    async def _score(self, loaded: Loaded, rows: list[Encoded]) -> Scores:
        """Many rows are scored in a thread, few by generated Python here, and few by scikit-learn with those of others."""
        if loaded.at_once or len(rows) > INLINE_ROWS:
            return await self.off_loop(len(rows) > INLINE_ROWS, lambda: loaded.predictor.score(rows))
        return await self._batches.score(loaded.predictor.score, rows)

    def count(
        self, loaded: Loaded, request_id: str, rows: list[Encoded], scores: Scores, labels: list[str], made_up: bool
    ) -> None:
        """Count an answer to these rows, once it is certain that it can be sent; `labels` are what the predictor's `answered`
        says of it. Rows that are made up count neither for drift nor in the prediction log."""
        self.metrics.predicted(len(rows), labels)
        if made_up:
            return
        # what the model said is compared with its training, not what the hook `after` makes of it
        loaded.drift.add(rows, scores)
        if self._log:
            self._log.write(request_id, loaded.predictor.logged(scores))

    async def off_loop(self, away: bool, work: Callable[[], T]) -> T:
        """Do a work here, or in one of `THREADS`. Who gives up waiting leaves the thread to it until it ends."""
        if not away:
            return work()
        limiter = self._limiter = self._limiter or anyio.CapacityLimiter(THREADS)
        await limiter.acquire_on_behalf_of(work)
        loop, begun = asyncio.get_running_loop(), False

        def done() -> None:
            with contextlib.suppress(RuntimeError):  # given up in the moment in which it began: it is done already
                limiter.release_on_behalf_of(work)

        def worked() -> T:
            nonlocal begun
            begun = True
            try:
                return work()
            finally:
                with contextlib.suppress(RuntimeError):  # a loop that closed meanwhile waits for nothing more
                    loop.call_soon_threadsafe(done)

        try:
            return await anyio.to_thread.run_sync(worked, abandon_on_cancel=True)
        except asyncio.CancelledError:
            if not begun:
                done()
            raise
