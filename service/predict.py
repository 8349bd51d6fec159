"""POST /predict: HTTP in, HTTP out, and everything between handed to the predictor."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateline.contracts.headers import RELEASE, REQUEST_ID, SYNTHETIC, TOKEN, TRAFFIC
from gateline.contracts.release import Release
from gateline.settings.errors import explain, place_in_model
from service.body import read_body
from service.cache import ScoreCache
from service.columns import Row
from service.metrics import Metrics
from service.prediction_log import PredictionLog
from service.refusals import Refusal
from service.state import Loaded, State

if TYPE_CHECKING:
    from service.predictor import Encoded, Scores

log = logging.getLogger(__name__)

WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")
INLINE_BYTES = 16_384
"""Bodies up to this size are read on the event loop; a thread costs more than it gives."""
INLINE_ROWS = 64
"""The same for scoring."""
THREADS = 2
QUIET_SECONDS = 1.0
"""At most one stack trace is logged in this time: a failing hook must not fill the disk."""
T = TypeVar("T")


class PredictEndpoint:
    """Answers predictions of the release in `state`; counts every answer; lets no exception through."""

    def __init__(
        self,
        release: Release,
        state: State,
        metrics: Metrics,
        prediction_log: PredictionLog | None,
        cache: ScoreCache | None,
        token: str = "",
    ) -> None:
        """Keep what answers are made of."""
        self._release = release
        self._state = state
        self._metrics = metrics
        self._log = prediction_log
        self._cache = cache
        self._token = token.encode()
        self._limiter: anyio.CapacityLimiter | None = None
        self._logged = -QUIET_SECONDS

    async def predict(self, request: Request) -> Response:
        """Answer one request: 200, 4xx with what is wrong, 500 where model or hook failed, 503 while loading."""
        started = time.perf_counter()
        request_id = _request_id(request)
        headers: dict[str, str] = {}
        try:
            status, body = 200, await self._answer(request, request_id)
        except Refusal as refusal:
            status, body, headers = refusal.status, _detail(refusal.message, request_id), refusal.headers
        except ClientDisconnect:
            status, body = 400, _detail("the client went away", request_id)
        except Exception as error:
            self._report(request_id, error)
            status, body = 500, _detail("the prediction failed; the service's log says why", request_id)
        self._metrics.answered(status, time.perf_counter() - started)
        return self._response(status, body, request_id, headers)

    async def _answer(self, request: Request, request_id: str) -> bytes:
        loaded = self._state.loaded
        if loaded is None:
            raise Refusal(503, "the model is being loaded", {"Retry-After": "1"})
        body = await read_body(request, self._release.service.max_body_bytes)
        asked = await self._off_loop(len(body) > INLINE_BYTES, lambda: loaded.requests.parse(body))
        rows = self._prepared(loaded, asked.rows)
        scores = await self._scores(loaded, rows)
        answers = loaded.predictor.answer(scores)
        content = self._content(answers, asked.single, request_id)
        self._metrics.predicted(len(answers), loaded.predictor.answered(answers))
        if not self._made_up(request):
            self._remember(loaded, rows, scores, request_id)
        return content

    def _made_up(self, request: Request) -> bool:
        """Rows count as made up where whoever says so knows the environment's secret: nobody else may hide what they ask."""
        marked = request.headers.get(TRAFFIC) == SYNTHETIC[TRAFFIC]
        return marked and bool(self._token) and compare_digest(request.headers.get(TOKEN, "").encode(), self._token)

    def _content(self, answers: list[dict[str, Any]], single: bool, request_id: str) -> bytes:
        named = {"model_version": self._release.version, "request_id": request_id}
        return json.dumps((answers[0] if single else {"predictions": answers}) | named, allow_nan=False).encode()

    def _remember(self, loaded: Loaded, rows: Encoded, scores: Scores, request_id: str) -> None:
        """What the model said is compared with its training, whatever the hook `after` makes of it."""
        loaded.drift.add(rows.tolist(), loaded.predictor.compared(scores), loaded.predictor.labels(scores))
        if self._log:
            self._log.write(request_id, loaded.predictor.logged(scores))

    def _prepared(self, loaded: Loaded, rows: list[Row]) -> Encoded:
        from service.predictor import Refused

        try:
            return loaded.predictor.prepare(rows)
        except Refused as refused:
            raise Refusal(422, str(refused) or "the model's own check refused the rows") from refused

    async def _scores(self, loaded: Loaded, rows: Encoded) -> Scores:
        """Take from the cache what it holds, score the rest, and share it."""
        import numpy as np

        if self._cache is None:
            return await self._off_loop(len(rows) > INLINE_ROWS, lambda: loaded.predictor.score(rows))
        listed = rows.tolist()
        found = await self._cache.get(listed)
        missing = [index for index, scores in enumerate(found) if scores is None]
        self._metrics.cache_hits.inc(len(rows) - len(missing))
        if missing:
            asked = rows[missing]
            fresh = await self._off_loop(len(asked) > INLINE_ROWS, lambda: loaded.predictor.score(asked))
            self._cache.put([listed[index] for index in missing], fresh.tolist())
            for index, scores in zip(missing, fresh.tolist()):
                found[index] = scores
        return np.asarray(found, dtype=np.float64)

    async def _off_loop(self, away: bool, work: Callable[[], T]) -> T:
        if not away:
            return work()
        self._limiter = self._limiter or anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    def _response(self, status: int, body: bytes, request_id: str, headers: dict[str, str]) -> Response:
        headers |= {REQUEST_ID: request_id, RELEASE: self._release.digest}
        return Response(body, status, headers, media_type="application/json")

    def _report(self, request_id: str, error: Exception) -> None:
        """An error in `model/` is told by its file and line; of any other, the stack trace is wanted."""
        if time.monotonic() - self._logged >= QUIET_SECONDS:
            self._logged = time.monotonic()
            log.error("request %s failed: %s", request_id, explain(error), exc_info=not place_in_model(error))


def _request_id(request: Request) -> str:
    given = request.headers.get(REQUEST_ID, "")
    return given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


def _detail(message: str, request_id: str) -> bytes:
    return json.dumps({"detail": message, "request_id": request_id}, ensure_ascii=True).encode()
