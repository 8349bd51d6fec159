"""Tickets are due at a constant rate, and a late one keeps its intended start."""

from __future__ import annotations

import threading
import time

import pytest

from load.traffic import Schedule, Ticket


def test_tickets_end_with_the_count() -> None:
    schedule = Schedule(0.0, 3)
    assert [schedule.take() for _ in range(5)] == [Ticket(None)] * 3 + [None] * 2


def test_tickets_are_due_at_the_rate() -> None:
    schedule = Schedule(100.0, 10)
    schedule.begin()
    started = time.perf_counter()
    due = [ticket.due for _ in range(10) if (ticket := schedule.take()) and ticket.due]
    assert [late - early for early, late in zip(due, due[1:], strict=False)] == pytest.approx([0.01] * 9)
    assert time.perf_counter() - started >= 0.085


def test_a_late_ticket_keeps_its_intended_start_and_is_given_at_once() -> None:
    schedule = Schedule(100.0, None)
    schedule.begin()
    first = schedule.take()
    time.sleep(0.2)  # the only user is held up
    asked = time.perf_counter()
    late = [schedule.take() for _ in range(10)]
    assert time.perf_counter() - asked < 0.05
    assert first and first.due
    assert [ticket.due - first.due for ticket in late if ticket and ticket.due] == pytest.approx(
        [0.01 * number for number in range(1, 11)]
    )


def test_stopping_gives_no_more_and_wakes_who_waits() -> None:
    schedule = Schedule(0.1, None)
    schedule.begin()
    assert schedule.take() is not None
    taken: list[Ticket | None] = []
    waiting = threading.Thread(target=lambda: taken.append(schedule.take()))
    waiting.start()
    schedule.stop()
    waiting.join(2.0)
    assert taken == [None]
    assert schedule.take() is None


def test_the_last_user_to_come_back_is_the_next_to_go() -> None:
    """One waits for the due time, the others stand by; who stood by first stays idle as long as the others suffice."""
    schedule = Schedule(20.0, 6)
    schedule.begin()
    sent: dict[str, int] = {"a": 0, "b": 0, "c": 0}

    def user(name: str) -> None:
        while schedule.take():
            sent[name] += 1

    users = [threading.Thread(target=user, args=(name,)) for name in sent]
    for each in users:
        each.start()
        time.sleep(0.01)
    for each in users:
        each.join(3.0)
    assert sum(sent.values()) == 6
    assert sent["b"] == 0
