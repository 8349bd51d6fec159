"""The paths of the Open Inference Protocol (version 2): https://github.com/kserve/open-inference-protocol.

The one model is called by the project's name, its version is the release's. Values are judged as those of /predict, answers
are counted with them, and what is refused has the protocol's error object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateline.contracts.headers import RELEASE, REQUEST_ID, TOKEN, TRAFFIC
from gateline.contracts.release import Release
from gateline.settings.errors import did_you_mean
from service import inference, metadata, outputs
from service.answering import Answering
from service.columns import Row, shown
from service.door import read_body
from service.exchange import WELL_FORMED, Exchange
from service.inference import HEADER, Inference
from service.predict import INLINE_BYTES
from service.refusals import LONGEST, Refusal
from service.state import Loaded, State

if TYPE_CHECKING:
    from service.requests import Requests

CALLED = "POST /v2/models/…/infer"
"""What the log calls a request."""
MODEL, VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
Answer = Callable[[Request], Awaitable[Response]]


class OpenInference:
    """Answers the protocol's questions about the release in `state`."""

    def __init__(self, release: Release, state: State, answering: Answering, exchange: Exchange) -> None:
        self._release, self._state, self._answering, self._exchange = release, state, answering, exchange

    def add_to(self, app: FastAPI) -> None:
        """Add the paths to an application; `service.docs` describes them."""
        paths: list[tuple[str, Answer]] = [("/v2", self.server)]
        paths += [("/v2/health/live", self.live), ("/v2/health/ready", self.ready)]
        for model in (MODEL, VERSION):
            paths += [(model, self.model), (f"{model}/ready", self.model_ready)]
            app.add_route(f"{model}/infer", self.infer, methods=["POST"], include_in_schema=False)
        for path, answer in paths:
            app.add_route(path, answer, methods=["GET"], include_in_schema=False)

    async def server(self, request: Request) -> Response:
        """Answer what the server is."""
        return JSONResponse(metadata.server(self._release))

    async def live(self, request: Request) -> Response:
        """Answer as soon as the process runs."""
        return JSONResponse({"live": True})

    async def ready(self, request: Request) -> Response:
        """Answer 200 once the model answers, 503 till then."""
        is_ready = self._state.loaded is not None
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    async def model_ready(self, request: Request) -> Response:
        """Answer the same of the model, by its name."""
        is_ready = self._state.loaded is not None
        body = metadata.ready(self._release, is_ready)
        return self._unknown(request) or JSONResponse(body, 200 if is_ready else 503)

    async def model(self, request: Request) -> Response:
        """Answer what the model takes and answers, and what scores its rows."""
        loaded = self._state.loaded
        if unknown := self._unknown(request):
            return unknown
        if loaded is None:
            return JSONResponse({"error": "the model is being loaded"}, 503, {"Retry-After": "1"})
        return JSONResponse(metadata.model(self._release, loaded.requests.schema, loaded.predictor.model.manifest))

    async def infer(self, request: Request) -> Response:
        """Answer one request: 200, 4xx with what is wrong, 500 where model or hook failed, 503 while loading."""
        if unknown := self._unknown(request):
            return unknown
        started = time.perf_counter()
        given = request.headers.get(REQUEST_ID)
        request_id = self._exchange.named(given)
        try:
            loaded, received, header = await self._received(request)
            async with self._exchange.limits.held():
                away = len(received) > INLINE_BYTES
                asked, rows = await self._answering.off_loop(away, lambda: _judged(loaded.requests, received, header))
                if given is None and asked.id and WELL_FORMED.fullmatch(asked.id):
                    request_id = asked.id
                status, (body, headers) = 200, await self._answer(request, loaded, asked, rows, request_id)
        except Exception as error:
            failure = self._exchange.failed(error, request_id)
            status, body = failure.status, json.dumps({"error": failure.message}).encode()
            headers = failure.headers | {"Content-Type": "application/json"}
        self._exchange.finished(CALLED, request_id, status, time.perf_counter() - started)
        return Response(body, status, headers | {REQUEST_ID: request_id, RELEASE: self._release.digest})

    async def _received(self, request: Request) -> tuple[Loaded, bytes, str]:
        loaded = self._state.loaded
        if loaded is None:
            raise Refusal(503, "the model is being loaded", {"Retry-After": "1"})
        body = await read_body(request, self._release.service.max_body_bytes)
        return loaded, body, request.headers.get(HEADER, "")

    async def _answer(
        self, request: Request, loaded: Loaded, asked: Inference, typed: list[Row], request_id: str
    ) -> tuple[bytes, dict[str, str]]:
        rows = self._answering.prepare(loaded, typed)
        scores = await self._answering.scores(loaded, rows)
        predictor = loaded.predictor
        answers = predictor.answer(scores)
        written = outputs.write(asked, answers, predictor.model.manifest, self._release)
        made_up = self._exchange.made_up(request.headers.get(TRAFFIC), request.headers.get(TOKEN, ""))
        self._answering.count(loaded, request_id, rows, scores, predictor.answered(answers), made_up)
        return written

    def _unknown(self, request: Request) -> Response | None:
        """Return the refusal of a model, or a version of it, that is not the one here."""
        release = self._release
        name, version = request.path_params["name"], request.path_params.get("version", release.version)
        for what, asked, here in (("model", name, release.project), ("version of this model", version, release.version)):
            if asked != here:
                near = did_you_mean(asked[:LONGEST], [here])
                return JSONResponse({"error": f"there is no {what} {shown(asked[:LONGEST])}{near}; allowed: {here}"}, 404)
        return None


def _judged(requests: Requests, body: bytes, header: str) -> tuple[Inference, list[Row]]:
    """Return what a body asks for, and its rows as typed values. Raises Refusal."""
    asked = inference.read(body, header, requests.schema, requests.max_rows)
    return asked, requests.read(json.dumps({"rows": asked.rows}).encode()).rows
