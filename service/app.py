"""The FastAPI application: routes, and what starts and stops with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gateline.contracts.release import Release
from gateline.settings.errors import did_you_mean
from service.cache import ScoreCache
from service.columns import shown
from service.docs import page
from service.hosts import KnownHosts
from service.metrics import Metrics
from service.openapi import document
from service.predict import PredictEndpoint
from service.prediction_log import PredictionLog
from service.refusals import LONGEST
from service.state import Loaded, State, load_in_thread


@dataclass(frozen=True)
class Options:
    """What the host gives a process beside the release."""

    log_folder: Path | None = None
    """Where the prediction log is written; None for no log."""
    redis_url: str = ""
    """Redis to share scores through; empty for none."""
    token: str = ""
    """What a request carries that marks its rows as made up; empty where none can."""
    hosts: tuple[str, ...] = ()
    """What the service is called besides loopback; see `service.hosts`."""


class Application:
    """One release behind HTTP: loads in the background, answers from the start."""

    def __init__(
        self, release: Release, load: Callable[[], Loaded], options: Options, failed: Callable[[], None]
    ) -> None:
        """Keep the parts; `failed` is called on the event loop when loading failed, with the reason in `state`."""
        self.release = release
        self.state = State()
        self.metrics = Metrics(release)
        self._load = load
        self._hosts = (*release.service.hosts, *options.hosts)
        self._failed = failed
        self._log = self._open_log(options.log_folder)
        self._cache = ScoreCache(options.redis_url, release) if options.redis_url else None
        self._endpoint = PredictEndpoint(release, self.state, self.metrics, self._log, self._cache, options.token)

    def build(self) -> FastAPI:
        """Return the application with its routes."""
        app = FastAPI(
            title=f"{self.release.project} predictions",
            version=self.release.version,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
        )
        app.add_middleware(KnownHosts, hosts=self._hosts)
        app.add_api_route("/predict", self._endpoint.predict, methods=["POST"], summary="Predict one row or many")
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
        app.add_exception_handler(404, self.unknown)
        self._app = app
        return app

    async def live(self) -> Response:
        """Answer as soon as the process runs."""
        return JSONResponse({"status": "live"})

    async def ready(self) -> Response:
        """Answer 200 with the release once the model answered its golden rows, 503 till then."""
        if self.state.loaded is None:
            return JSONResponse({"detail": "the model is being loaded"}, 503)
        release = self.release
        return JSONResponse({"release": release.digest, "version": release.version, "artifact": release.artifact})

    async def metrics_page(self) -> Response:
        """Answer the counters."""
        return Response(self.metrics.exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def drift(self) -> Response:
        """Answer the counts that drift is judged by."""
        if self.state.loaded is None:
            return JSONResponse({"detail": "the model is being loaded"}, 503)
        return JSONResponse(self.state.loaded.drift.snapshot().model_dump(mode="json"))

    async def unknown(self, request: Request, error: Exception) -> Response:
        """Answer 404 and name the nearest path; nothing redirects, least of all to a host that the client names."""
        paths = sorted({route.path for route in self._app.routes if isinstance(route, Route)})
        asked = request.url.path[:LONGEST]
        return JSONResponse({"detail": f"there is no {shown(asked)}{did_you_mean(asked, paths)}"}, 404)

    async def openapi(self) -> Response:
        """Answer the OpenAPI document, made from the schema."""
        if self.state.loaded is None:
            return JSONResponse({"detail": "the model is being loaded"}, 503)
        return JSONResponse(document(self._app, self.state.loaded))

    async def docs(self) -> Response:
        """Answer the same for people: one page that needs no network."""
        if self.state.loaded is None:
            return JSONResponse({"detail": "the model is being loaded"}, 503)
        return HTMLResponse(page(self.release, self.state.loaded.documented()))

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        if self._cache:
            self._cache.search()
        load_in_thread(self._load, lambda outcome: _call(loop, lambda: self._settle(outcome)))
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

    def _open_log(self, folder: Path | None) -> PredictionLog | None:
        service = self.release.service
        if folder is None or not service.prediction_log:
            return None
        return PredictionLog(folder, self.release.digest, service.log_retention_days, self.metrics.log_failures.inc)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Call from another thread; a loop that closed meanwhile wants nothing more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
