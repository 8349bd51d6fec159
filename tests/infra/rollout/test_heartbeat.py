"""A controller that lives beats; one that hangs or is dead does not."""

from __future__ import annotations

import time

import pytest

from infra.rollout import heartbeat as module
from infra.rollout.heartbeat import Heartbeat
from settings.errors import OutsideError


def test_alive_then_hanging_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.5)
    beats: list[float] = []
    with Heartbeat(lambda: beats.append(time.monotonic())) as heart:
        time.sleep(0.4)
        assert beats and heart.fresh
        time.sleep(0.4)
        hanging = len(beats)
        time.sleep(0.5)
        assert len(beats) == hanging and not heart.fresh
        heart.beat()
        time.sleep(0.3)
        assert len(beats) > hanging
    gone = len(beats)
    time.sleep(0.4)
    assert len(beats) == gone


def test_a_beat_that_fails_is_left_out() -> None:
    tries: list[int] = []

    def send() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise OutsideError("the proxy does not answer")

    with Heartbeat(send):
        time.sleep(0.5)
    assert len(tries) > 1
