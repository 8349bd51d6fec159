"""Too many requests at once, and those that take too long, are told to come again; the others go on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from service.answering import THREADS
from service.limits import Limits
from service.predictor import Predictor
from service.refusals import Refusal
from service.state import Loaded
from tests.service import bundles
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
MANY = {"rows": [NAMED] * 65}
"""More rows than are scored on the event loop."""
COLUMNS = [{"name": n, "datatype": "BYTES", "shape": [65], "data": [v] * 65} for n, v in NAMED.items()]
PATHS: dict[str, dict[str, Any]] = {"/predict": MANY, "/v2/models/flights/infer": {"inputs": COLUMNS}}


@dataclass
class Slow:
    """A model whose scoring of many rows waits until it is let go."""

    model: Any
    go: threading.Event = field(default_factory=threading.Event)
    running: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def scores(self, rows: Sequence[Any]) -> Any:
        if len(rows) > 64:
            self.running += 1
            assert self.go.wait(30)
        return self.model.scores(rows)


class Hooks:
    """A hook that gives up at one o'clock, as a client of another service does."""

    def before(self, rows: list[list[Any]]) -> list[list[Any]]:
        if rows[0][2] == 1:
            raise TimeoutError("the feature store does not answer")
        return rows

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return answers


def slowed(release: Release, loaded: Loaded, **limits: Any) -> tuple[Release, Loaded, Slow]:
    slow = Slow(loaded.predictor.model)
    limited = release.model_copy(update={"service": Service.model_validate(limits)})
    return limited, replace(loaded, predictor=Predictor(slow, Hooks())), slow


async def until(true: Any) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_beyond_the_number_is_refused_until_another_is_done(
    release: Release, loaded: Loaded, path: str
) -> None:
    limited, served, slow = slowed(release, loaded, max_concurrent=THREADS)
    async with serving(limited, lambda: served) as client:
        running = [asyncio.create_task(client.post(path, json=PATHS[path])) for _ in range(THREADS)]
        await until(lambda: slow.running == THREADS)
        full = await client.post(path, json=PATHS[path])
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        said = full.json()["error" if path.startswith("/v2") else "detail"]
        assert "as may be at the same time: 2 (service.max_concurrent); try again" in said
        assert (await client.get("/health/ready")).status_code == 200
        slow.go.set()
        assert [(await task).status_code for task in running] == [200] * THREADS
        assert (await client.post(path, json=PATHS[path])).status_code == 200
        assert 'gateline_requests_total{status="5xx"} 1.0' in (await client.get("/metrics")).text


@pytest.mark.parametrize("path", PATHS)
async def test_what_takes_too_long_is_given_up_and_the_next_is_answered(
    release: Release, loaded: Loaded, path: str
) -> None:
    limited, served, slow = slowed(release, loaded, max_seconds=0.2)
    async with serving(limited, lambda: served) as client:
        started = time.monotonic()
        late = [client.post(path, json=PATHS[path]) for _ in range(2 * THREADS)]
        for answer in await asyncio.gather(*late):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "took longer than 0.2 s (service.max_seconds)" in answer.text
        assert 0.2 <= time.monotonic() - started < 5
        assert slow.running == THREADS, "what waited for a thread was given up before it had one"
        assert (await client.post("/predict", json={"features": ROW})).status_code == 200
        slow.go.set()
        async with asyncio.timeout(10):
            while (await client.post(path, json=PATHS[path])).status_code != 200:
                await asyncio.sleep(0.01)


async def test_a_hook_that_gives_up_is_a_failure_of_its_own(release: Release, loaded: Loaded) -> None:
    limited, served, _ = slowed(release, loaded)
    async with serving(limited, lambda: served) as client:
        answer = await client.post("/predict", json={"features": NAMED | {"hour": 1}})
        assert answer.status_code == 500


async def test_places_are_given_back_however_a_request_ends() -> None:
    limits = Limits(Service(max_concurrent=1))
    for error in (ValueError, asyncio.CancelledError, TimeoutError):
        with pytest.raises(error):
            async with limits.held():
                raise error
    async with limits.held():
        with pytest.raises(Refusal, match="at the same time: 1"):
            async with limits.held():
                raise AssertionError("there is no place")


def test_a_release_with_the_usual_limits_has_the_digest_it_had(tmp_path: Path) -> None:
    told = Service().model_dump(mode="json")
    assert not {"max_concurrent", "max_seconds"} & set(told)
    changed = Service(max_concurrent=2, max_seconds=1)
    assert Service.model_validate_json(changed.model_dump_json()) == changed
    release = bundles.write(tmp_path / "b")
    assert "max_seconds" not in release.model_dump_json()


async def test_many_ordinary_requests_are_answered(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/predict", json={"features": ROW}) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
