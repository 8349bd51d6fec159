"""A guarded slot hangs on a heartbeat."""

from __future__ import annotations

import math
import time

import pytest

from gateline.contracts.slots import Slot
from infra.engines.readiness import wait_until
from infra.rollout.heartbeat import Heartbeat
from tests.infra.engines.process.conftest import House, kill
from tests.traffic import Traffic


@pytest.mark.slow
def test_without_a_heartbeat_the_canary_is_out_within_two_seconds(house: House) -> None:
    stable, canary = house.serving(), house.canary()
    with Traffic(house.url) as traffic:
        with Heartbeat(house.engine.beat) as heartbeat:
            house.engine.guard(Slot.CANARY, True)
            house.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
            seen = traffic.releases[canary.digest]
            while traffic.releases[canary.digest] < seen + 50:
                heartbeat.beat()
                traffic.wait_for(1)
        died = time.monotonic()
        assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == 0.0, 5)
        out = time.monotonic() - died
        before = traffic.releases[canary.digest]
        traffic.wait_for(300)
        still = traffic.releases[canary.digest] - before
    assert out < 2.0 and still <= 4 and not traffic.lost
    assert set(traffic.releases) == {stable.digest, canary.digest}
    [repair] = house.engine.up()
    assert repair.startswith("slot canary had lost its heartbeat; ")
    house.engine.guard(Slot.CANARY, False)
    assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 5)


@pytest.mark.slow
def test_a_guarded_slot_needs_its_own_health_too(steady: House) -> None:
    """The heartbeat goes on, the canary is started again and listens, but is not ready yet."""
    steady.canary(ready_after=1.0)
    steady.engine.guard(Slot.CANARY, True)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    [replica] = steady.engine.status().slots[Slot.CANARY].replicas
    with Traffic(steady.url, threads=1) as traffic, Heartbeat(steady.engine.beat) as heartbeat:
        heartbeat._last = math.inf
        kill(steady.record.replicas[replica.name])
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].replicas[0].alive, 5)
        time.sleep(0.6)
        assert steady.engine.status().slots[Slot.CANARY].share == 0.0
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 10)
    assert not traffic.lost


@pytest.mark.slow
def test_a_guard_is_kept_when_the_proxy_is_restarted(house: House) -> None:
    house.serving()
    house.canary()
    house.engine.guard(Slot.CANARY, True)
    house.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    before = house.record.proxy
    kill(before)
    assert wait_until(lambda: house.engine.status().proxy_alive and house.record.proxy != before, 5)
    assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == 0.0, 2)
    with Heartbeat(house.engine.beat) as heartbeat:
        heartbeat._last = math.inf
        assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 5)
