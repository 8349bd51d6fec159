"""A loaded release, in process and as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.registry.loaded import LoadedModel
from service.app import Application, Options
from service.state import Loaded, load
from tests.service import bundles

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a binary model's bundle."""
    folder = tmp_path_factory.mktemp("bundle") / "binary"
    bundles.write(folder)
    return folder


@pytest.fixture(scope="session")
def release(bundle: Path) -> Release:
    """The release in `bundle`."""
    return Release.model_validate_json((bundle / "release.json").read_bytes())


@pytest.fixture(scope="session")
def loaded(bundle: Path, release: Release) -> Loaded:
    """The model of `bundle`, its golden rows answered."""
    return load(bundle, release)


@contextlib.asynccontextmanager
async def serving(
    release: Release, load: Callable[[], Loaded], options: Options = Options()
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the application in this process and yield a client of it, once loading has ended either way."""
    failed = asyncio.Event()
    application = Application(release, load, options, failed.set)
    app = application.build()
    async with app.router.lifespan_context(app):
        while not (application.state.loaded or failed.is_set()):
            await asyncio.sleep(0.001)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@pytest.fixture()
async def client(release: Release, loaded: Loaded) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `bundle` served in this process."""
    async with serving(release, lambda: loaded) as opened:
        yield opened


def model_of(loaded: Loaded) -> LoadedModel:
    """Return the model that scikit-learn scores with."""
    assert isinstance(loaded.predictor.model, LoadedModel)
    return loaded.predictor.model
