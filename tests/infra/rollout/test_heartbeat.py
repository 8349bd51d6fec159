"""A controller that lives beats; one that hangs or is dead does not."""

from __future__ import annotations

import time

import pytest

from gateline.settings.errors import OutsideError
from infra.rollout import watch as module
from infra.rollout.watch import Heartbeat


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


def test_beats_that_are_heard_in_time_do_not_lapse() -> None:
    with Heartbeat(lambda: None) as heart:
        time.sleep(0.5)
        assert not heart.lapsed()


def test_a_controller_that_slept_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, slept = module.now, [0.0]
    monkeypatch.setattr(module, "now", lambda: real() + slept[0])
    with Heartbeat(lambda: None) as heart:
        time.sleep(0.3)
        slept[0] = 30.0
        assert heart.lapsed()
        time.sleep(0.5)
        heart.lapsed()
        assert not heart.lapsed()


def test_a_proxy_that_heard_nothing_for_a_while_is_a_lapse_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAPSE_SECONDS", 0.4)
    deaf = [True]

    def send() -> None:
        if deaf[0]:
            raise OutsideError("the proxy does not answer")

    with Heartbeat(send) as heart:
        time.sleep(0.8)
        deaf[0] = False
        time.sleep(0.3)
        assert heart.lapsed() and not heart.lapsed()
