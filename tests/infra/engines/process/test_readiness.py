"""Waiting for a slot, and saying early that it never will be ready."""

from __future__ import annotations

import time

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import GateRefused, OutsideError
from tests.infra.engines.process.conftest import READY_SECONDS, House, predict


def test_a_crash_on_start_is_told_at_once_with_the_last_lines(steady: House) -> None:
    crashing = steady.fetched("2", crash="no such model: flights")
    steady.engine.start(Slot.CANARY, crashing, 1)
    begun = time.monotonic()
    with pytest.raises(OutsideError, match=r"(?s)2\+.* in slot canary of production ended.*no such model: flights"):
        steady.engine.wait_ready(Slot.CANARY, 60)
    assert time.monotonic() - begun < 20
    steady.engine.stop(Slot.CANARY)
    assert predict(steady.url).status_code == 200


def test_never_ready_is_told_with_what_the_service_answers(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", never_ready=True), 1)
    with pytest.raises(OutsideError, match=r"was not ready within 1\.5 s: .*/health/ready answers 503"):
        steady.engine.wait_ready(Slot.CANARY, 1.5)


def test_another_release_on_the_port_is_refused(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", release="e" * 64), 1)
    with pytest.raises(GateRefused, match=r"^digest: http://127\.0\.0\.1:\d+/health/ready is release eeeeeeeeeeee"):
        steady.engine.wait_ready(Slot.CANARY, READY_SECONDS)
