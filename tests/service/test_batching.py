"""Requests that come together are scored together, answer what they would answer alone, and fail alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from gateline.contracts import samples
from gateline.contracts.release import Release
from service import batching
from service.answering import Answering
from service.batching import BATCH_ROWS, Batches
from service.metrics import Metrics
from service.predictor import Predictor
from service.state import Loaded
from tests.service import bundles
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import model_of, serving
from tests.service.test_predictor import Steps

pytestmark = pytest.mark.anyio


@dataclass
class Called:
    """A scorer that notes what it is asked, and fails for what it is told to."""

    fails: Callable[[Sequence[Any]], bool] = lambda row: False
    seconds: float = 0.0
    error: Callable[[], Exception] = lambda: ValueError("no score for this one")
    sizes: list[int] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def __call__(self, rows: Sequence[Any]) -> list[list[float]]:
        self.sizes.append(len(rows))
        self.threads.append(threading.current_thread())
        time.sleep(self.seconds)
        if any(self.fails(row) for row in rows):
            raise self.error()
        return [[float(row[0])] for row in rows]


@pytest.fixture()
def batches(release: Release, monkeypatch: pytest.MonkeyPatch) -> Batches:
    """What decides by time does so for nothing that is as quick as the scorers here, on a busy machine either."""
    monkeypatch.setattr(batching, "LOOP_SECONDS", 5.0)
    monkeypatch.setattr(batching, "BATCH_SECONDS", 5.0)
    return Batches(Answering(Metrics(release), None, None).off_loop)


async def together(batches: Batches, called: Called, requests: Sequence[list[list[Any]]]) -> list[Any]:
    async with asyncio.timeout(20):
        return await asyncio.gather(*(batches.score(called, rows) for rows in requests), return_exceptions=True)


async def test_one_request_alone_is_scored_at_once_on_the_loop(batches: Batches) -> None:
    called = Called()
    for _ in range(3):
        assert await batches.score(called, [[7]]) == [[7.0]]
    assert called.sizes == [1, 1, 1] and set(called.threads) == {threading.main_thread()}


async def test_requests_that_come_together_are_one_call_and_each_gets_its_own(batches: Batches) -> None:
    called = Called()
    requests = [[[10 * n + m] for m in range(n % 3 + 1)] for n in range(16)]
    assert await together(batches, called, requests) == [[[float(row[0])] for row in rows] for rows in requests]
    assert called.sizes == [sum(map(len, requests))]


async def test_a_batch_holds_no_more_rows_than_allowed_in_the_order_in_which_they_came(batches: Batches) -> None:
    called = Called()
    answers = await together(batches, called, [[[n]] * 30 for n in range(5)])
    assert [scores[0] for scores in answers] == [[float(n)] for n in range(5)]
    assert called.sizes == [60, 60, 30] and max(called.sizes) <= BATCH_ROWS


async def test_what_comes_while_a_batch_is_scored_is_the_next(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LOOP_SECONDS", 0.01)
    called = Called(seconds=0.1)
    await together(batches, called, [[[1]]])  # it is known to be slow now, and is scored in a thread
    first = asyncio.create_task(batches.score(called, [[1]]))
    await asyncio.sleep(0.01)
    await together(batches, called, [[[n]] for n in range(10)])
    assert await first == [[1.0]] and called.sizes == [1, 1, 10]
    assert [thread is threading.main_thread() for thread in called.threads] == [True, False, False]


@pytest.mark.parametrize("error", [lambda: ValueError("no score"), StopIteration, lambda: KeyError("plan")])
async def test_a_request_that_fails_fails_alone(batches: Batches, error: Callable[[], Exception]) -> None:
    called = Called(fails=lambda row: row[0] == 13, error=error)
    answers = await together(batches, called, [[[n], [n]] for n in range(10, 20)])
    failed = [isinstance(answer, Exception) for answer in answers]
    assert failed == [n == 13 for n in range(10, 20)]
    assert [answer for answer in answers if not isinstance(answer, Exception)][0] == [[10.0], [10.0]]
    assert await batches.score(called, [[1]]) == [[1.0]]


async def test_batches_that_take_long_become_smaller_and_grow_again(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH_SECONDS", 0.2)
    slow, quick = Called(seconds=0.21), Called()
    await together(batches, slow, [[[n]] for n in range(100)])
    assert slow.sizes == [64, 32, 4]
    await together(batches, slow, [[[n]] for n in range(8)])
    assert max(slow.sizes[-4:]) < 8
    await together(batches, quick, [[[n]] for n in range(400)])
    assert quick.sizes[-2] == BATCH_ROWS


async def test_a_request_that_was_given_up_disturbs_nobody(batches: Batches) -> None:
    called = Called()
    tasks = [asyncio.create_task(batches.score(called, [[n]])) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [answers[0], answers[2]] == [[[0.0]], [[2.0]]] and isinstance(answers[1], asyncio.CancelledError)
    assert called.sizes == [2], "rows that nobody waits for are not scored"
    assert await batches.score(called, [[5]]) == [[5.0]]


async def test_answers_are_those_of_one_request_after_another(release: Release, loaded: Loaded) -> None:
    rows = samples.rows(bundles.schema(), 40, seed=11)
    async with serving(release, lambda: loaded) as client:
        alone = [(await client.post("/predict", json={"features": row})).json() for row in rows]
        both = await asyncio.gather(*(client.post("/predict", json={"features": row}) for row in rows))
    assert [one["probability"] for one in alone] == [answer.json()["probability"] for answer in both]


@dataclass(frozen=True)
class Picky:
    """An estimator that fails for one hour of the day, and answers no probabilities for another."""

    estimator: Any
    sizes: list[int]

    def predict_proba(self, rows: Any) -> Any:
        self.sizes.append(len(rows))
        if 13.0 in rows[:, 2]:
            raise RuntimeError("an unlucky hour")
        scores = self.estimator.predict_proba(rows)
        return np.where(rows[:, 2:3] == 14.0, np.nan, scores)


async def test_over_http_neighbours_of_a_failing_row_are_answered(release: Release, loaded: Loaded) -> None:
    model = model_of(loaded)
    picky = Picky(model.estimator, [])
    served = replace(loaded, predictor=Predictor(replace(model, estimator=picky), Steps()))
    async with serving(release, lambda: served) as client:
        hours = [13, 1, 14, 2, 3, 13]
        bodies = [{"features": NAMED | {"hour": hour}} for hour in hours]
        answers = await asyncio.gather(*(client.post("/predict", json=body) for body in bodies))
        assert [answer.status_code for answer in answers] == [500, 200, 500, 200, 200, 500]
        assert (await client.post("/predict", json={"features": ROW})).status_code == 200
    assert max(picky.sizes) == len(hours), "they were not scored together"
