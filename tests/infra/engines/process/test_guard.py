"""A guarded slot hangs on a heartbeat."""

from __future__ import annotations

import math
import time

import pytest

from gateline.contracts.slots import Slot
from infra.host.processes import wait_until
from infra.rollout.watch import Heartbeat
from tests.infra.engines.process.conftest import ProcessEnvironment, kill
from tests.traffic import Traffic


@pytest.mark.slow
def test_up_says_that_a_heartbeat_was_lost(environment: ProcessEnvironment) -> None:
    environment.serving()
    environment.canary()
    environment.engine.guard(Slot.CANARY, True)
    environment.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    assert wait_until(lambda: environment.engine.status().slots[Slot.CANARY].share == 0.0, 5)
    [repair] = environment.engine.up()
    assert repair.startswith("slot canary had lost its heartbeat; ")


@pytest.mark.slow
def test_a_guarded_slot_needs_its_own_health_too(steady: ProcessEnvironment) -> None:
    """The heartbeat goes on, the canary is started again and listens, but is not ready yet."""
    steady.canary(ready_after=1.0)
    steady.engine.guard(Slot.CANARY, True)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    [replica] = steady.engine.status().slots[Slot.CANARY].replicas
    with Traffic(steady.url, threads=1) as traffic, Heartbeat(steady.engine.beat) as heartbeat:
        heartbeat._last = math.inf
        kill(steady.record.replicas[replica.name])
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].replicas[0].alive, 30)
        time.sleep(0.6)
        assert steady.engine.status().slots[Slot.CANARY].share == 0.0
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 30)
    assert not traffic.lost


@pytest.mark.slow
def test_a_guard_is_kept_when_the_proxy_is_restarted(environment: ProcessEnvironment) -> None:
    environment.serving()
    environment.canary()
    environment.engine.guard(Slot.CANARY, True)
    environment.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    before = environment.record.proxy
    kill(before)
    assert wait_until(lambda: environment.engine.status().proxy_alive and environment.record.proxy != before, 30)
    assert wait_until(lambda: environment.engine.status().slots[Slot.CANARY].share == 0.0, 2)
    with Heartbeat(environment.engine.beat) as heartbeat:
        heartbeat._last = math.inf
        assert wait_until(lambda: environment.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 30)
