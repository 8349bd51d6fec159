"""The FastAPI application: routes, and what starts and stops with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateline.contracts.release import Release
from gateline.settings.errors import did_you_mean
from service.answering import Answering
from service.columns import shown
from service.docs import document, page
from service.door import KnownHosts
from service.exchange import Exchange
from service.keys import KnownKeys
from service.metrics import Metrics
from service.predict import PATH, AtOnce, PredictEndpoint
from service.prediction_log import PredictionLog
from service.protocol import OpenInference
from service.refusals import LONGEST, told_as
from service.state import Loaded, State, load_in_thread

if TYPE_CHECKING:
    from service.cache import ScoreCache


@dataclass(frozen=True)
class Options:
    """What the host gives a process besides the release."""

    log_folder: Path | None = None
    """Where the prediction log is written; None for no log."""
    redis_url: str = ""
    """Redis to share scores through; empty for none."""
    token: str = ""
    """What a request carries that marks its rows as made up; empty where none can."""
    hosts: tuple[str, ...] = ()
    """What the service is called besides loopback; see `service.door`."""
    keys: tuple[str, ...] = ()
    """Keys of which a request must carry one; empty to answer everyone."""


class ServiceApp(FastAPI):
    """FastAPI for all but predictions, which are answered before its middleware and routes are asked."""

    endpoint: PredictEndpoint

    @property
    def at_once(self) -> AtOnce:
        """What `service.server` asks before it makes an ASGI request of a prediction."""
        return self.endpoint.at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            return await self.endpoint(scope, receive, send)
        await super().__call__(scope, receive, send)


async def predict() -> Response:
    """Answer one request: 200, 4xx with what is wrong, 500 where model or hook failed, 503 while loading."""
    raise AssertionError("this names the path and its methods; ServiceApp answers it")


class Application:
    """One release behind HTTP: loads in the background, answers from the start."""

    def __init__(
        self, release: Release, load: Callable[[], Loaded], options: Options, failed: Callable[[], None]
    ) -> None:
        """Keep the parts; `failed` is called on the event loop when loading failed, with the reason in `state`."""
        self.release, self.state, self.metrics = release, State(), Metrics(release)
        self._load, self._failed = load, failed
        self._hosts, self._keys = (*release.service.hosts, *options.hosts), options.keys
        self._log: PredictionLog | None = None
        if options.log_folder and release.service.prediction_log:
            days = release.service.log_retention_days
            self._log = PredictionLog(options.log_folder, release.digest, days, self.metrics.lost)
        self._cache = _cache(options.redis_url, release) if options.redis_url else None
        self.answering = Answering(self.metrics, self._log, self._cache)
        exchange = Exchange(release, self.metrics, options.token)
        self._endpoint = PredictEndpoint(release, self.state, self.answering, exchange, self._hosts, options.keys)
        self._protocol = OpenInference(release, self.state, self.answering, exchange)

    def build(self) -> ServiceApp:
        """Return the application with its routes."""
        app = ServiceApp(
            title=f"{self.release.project} predictions",
            version=self.release.version,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
        )
        app.endpoint = self._endpoint
        if self._keys:
            app.add_middleware(KnownKeys, keys=self._keys, open_metrics=self.release.service.open_metrics)
        app.add_middleware(KnownHosts, hosts=self._hosts)
        app.add_api_route(PATH, predict, methods=["POST"], summary="Predict one row or many")
        readable: tuple[tuple[str, Callable[[], Awaitable[Response]], str], ...] = (
            ("/health/live", self.live, "Say that the process runs"),
            ("/health/ready", self.ready, "Say whether the model answers its golden rows"),
            ("/metrics", self.metrics_page, "Show the counters for Prometheus"),
            ("/drift", self.drift, "Show what was seen, counted in the reference's bins"),
            ("/openapi.json", self.openapi, ""),
            ("/docs", self.docs, ""),
        )
        for path, answer, summary in readable:
            app.add_api_route(path, answer, summary=summary, include_in_schema=bool(summary))
            app.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False)
        self._protocol.add_to(app)
        app.add_exception_handler(404, self.unknown)
        app.add_exception_handler(405, self.no_such_method)
        self._app = app
        return app

    async def live(self) -> Response:
        """Answer as soon as the process runs."""
        return JSONResponse({"status": "live"})

    async def ready(self) -> Response:
        """Answer 200 with the release once the model answered its golden rows, 503 till then."""
        release = self.release
        body = {"release": release.digest, "version": release.version, "artifact": release.artifact}
        return self._once_loaded(lambda _: JSONResponse(body))

    async def metrics_page(self) -> Response:
        """Answer the counters."""
        return Response(self.metrics.exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def drift(self) -> Response:
        """Answer the counts that drift is judged by."""
        return self._once_loaded(lambda loaded: JSONResponse(loaded.drift.snapshot().model_dump(mode="json")))

    async def unknown(self, request: Request, error: Exception) -> Response:
        """Answer 404 and name the nearest path; nothing redirects, least of all to a host that the client names."""
        paths = sorted({route.path for route in self._app.routes if isinstance(route, Route)})
        asked = request.url.path[:LONGEST]
        return JSONResponse({told_as(asked): f"there is no {shown(asked)}{did_you_mean(asked, paths)}"}, 404)

    async def no_such_method(self, request: Request, error: Exception) -> Response:
        """Answer 405 and name the methods that there are."""
        return JSONResponse({told_as(request.url.path): "Method Not Allowed"}, 405, getattr(error, "headers", None))

    async def openapi(self) -> Response:
        """Answer the OpenAPI document, made from the schema."""
        return self._once_loaded(lambda loaded: JSONResponse(document(self._app, loaded, self.release, bool(self._keys))))

    async def docs(self) -> Response:
        """Answer the same for people: one page that needs no network."""
        return self._once_loaded(lambda loaded: HTMLResponse(page(self.release, loaded.documented())))

    def _once_loaded(self, answer: Callable[[Loaded], Response]) -> Response:
        loaded = self.state.loaded
        return answer(loaded) if loaded else JSONResponse({"detail": "the model is being loaded"}, 503)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def done(outcome: Loaded | BaseException) -> None:
            with contextlib.suppress(RuntimeError):  # a loop that closed meanwhile wants nothing more
                loop.call_soon_threadsafe(self._settle, outcome)

        if self._cache:
            self._cache.search()
        load_in_thread(self._load, done)
        try:
            yield
        finally:
            if self._cache:
                await self._cache.close()
            if self._log:
                self._log.close()

    def _settle(self, outcome: Loaded | BaseException) -> None:
        """Be ready with what was loaded, or stop."""
        if isinstance(outcome, BaseException):
            self.state.failure = outcome
            return self._failed()
        self.metrics.expect(outcome.predictor.all_labels())
        if self._cache:
            self._cache.width = outcome.predictor.width
        self.state.loaded = outcome


def _cache(url: str, release: Release) -> ScoreCache:
    """The client of Redis is loaded where there is one."""
    from service.cache import ScoreCache

    return ScoreCache(url, release)
