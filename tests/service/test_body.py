"""A body that is too large, too slow or compressed is refused; one that just fits is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from service.state import Loaded
from tests.service.bundles import ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio


@pytest.fixture()
async def narrow(release: Release, loaded: Loaded) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that takes bodies of at most 1024 bytes."""
    limited = release.model_copy(update={"service": Service(max_body_bytes=1024)})
    async with serving(limited, lambda: loaded) as opened:
        yield opened


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(narrow: httpx.AsyncClient) -> None:
    body = json.dumps({"features": ROW}).encode()
    fits = await narrow.post("/predict", content=body.ljust(1024))
    over = await narrow.post("/predict", content=body.ljust(1025))
    assert (fits.status_code, over.status_code) == (200, 413)
    assert over.json()["detail"] == "the body is 1025 bytes; allowed: 1024 bytes (service.max_body_bytes)"


async def test_a_body_without_a_length_is_cut_off_at_the_limit(narrow: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 512
            yield b" " * 512

    async with asyncio.timeout(10):
        answer = await narrow.post("/predict", content=endless())
    assert answer.status_code == 413
    assert sent <= 4 * 512


async def test_a_body_that_does_not_arrive_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.door.BODY_SECONDS", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    async with asyncio.timeout(10):
        answer = await client.post("/predict", content=stalled())
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert answer.json()["detail"] == "content-encoding is 'gzip'; allowed: none"
