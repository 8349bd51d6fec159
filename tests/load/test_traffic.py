"""What users share: the warm-up, the common start, and the requests on their way."""

from __future__ import annotations

import threading
import time

import pytest

from load.traffic import Payloads, Recorder, Schedule, Ticket, Traffic
from tests.load.test_payloads import SCHEMA


def _traffic(users: int = 1, warmup: int = 0) -> Traffic:
    return Traffic(Payloads(SCHEMA), Schedule(0.0, None), Recorder(), users=users, warmup=warmup, warmers=1)


def test_the_warm_up_is_shared_out_once() -> None:
    traffic = _traffic(warmup=3)
    assert [traffic.wants_warmup() for _ in range(5)] == [True, True, True, False, False]


def test_counting_begins_when_the_last_user_is_warm() -> None:
    traffic = _traffic(users=2)
    begun: list[bool] = []
    traffic.on_begin = lambda: begun.append(traffic.begun)
    first = threading.Thread(target=traffic.arrive)
    first.start()
    first.join(0.1)
    assert first.is_alive() and not traffic.begun
    traffic.arrive()
    first.join(2.0)
    assert traffic.begun and begun == [False]


def test_latency_runs_from_the_intended_start_of_a_late_request() -> None:
    traffic = _traffic()
    due = time.perf_counter() - 0.5
    with traffic.flight(Ticket(due)) as since:
        assert since == due
        assert traffic.waiting_ms() == pytest.approx([500], abs=100)
    assert traffic.waiting_ms() == []


def test_the_most_requests_at_once_are_known() -> None:
    traffic = _traffic()
    first, second = Ticket(1.0), Ticket(2.0)
    with traffic.flight(first):
        with traffic.flight(second):
            pass
    with traffic.flight(first):
        assert traffic.most_flying == 2


def test_latency_runs_from_the_start_where_there_is_no_schedule_or_it_woke_early() -> None:
    traffic = _traffic()
    for ticket in (Ticket(None), Ticket(time.perf_counter() + 5)):
        before = time.perf_counter()
        with traffic.flight(ticket) as since:
            assert before <= since <= time.perf_counter()
