"""Deploys, canaries, promotions and rollbacks under load lose nothing."""

from __future__ import annotations

import signal

import pytest

from gateline.contracts.slots import Slot
from infra.engines.process.record import Seen
from tests.infra.engines.process.conftest import READY_SECONDS, House
from tests.traffic import Traffic


def deploy(house: House, version: str, traffic: Traffic, share: float) -> str:
    """Start a canary, give it a share, then everything; keep the old one as previous."""
    release = house.canary(version, replicas=2)
    house.engine.set_shares({Slot.STABLE: 1 - share, Slot.CANARY: share})
    traffic.wait_for(100)
    house.engine.set_shares({Slot.CANARY: 1.0})
    house.engine.stop(Slot.PREVIOUS)
    house.engine.move(Slot.STABLE, Slot.PREVIOUS)
    house.engine.move(Slot.CANARY, Slot.STABLE)
    traffic.wait_for(100)
    return release.digest


def roll_back(house: House, traffic: Traffic) -> None:
    """Give everything to the warm previous release, and stop the one it came after."""
    house.engine.set_shares({Slot.PREVIOUS: 1.0})
    house.engine.stop(Slot.STABLE)
    house.engine.move(Slot.PREVIOUS, Slot.STABLE)
    traffic.wait_for(100)


@pytest.mark.slow
@pytest.mark.parametrize("keep_alive", [True, False])
def test_deploys_and_rollbacks_lose_no_request(house: House, keep_alive: bool) -> None:
    first = house.serving(version="1").digest
    with Traffic(house.url, keep_alive=keep_alive, body=b"x" * 1000) as traffic:
        traffic.wait_for(100)
        second = deploy(house, "2", traffic, 0.1)
        third = deploy(house, "3", traffic, 0.5)
        roll_back(house, traffic)
        assert house.engine.status().release_in(Slot.STABLE) is not None
        fourth = deploy(house, "4", traffic, 0.1)
    assert not traffic.lost, (traffic.answered, traffic.lost[:5])
    assert set(traffic.releases) == {first, second, third, fourth}
    assert set(house.engine.status().slots) == {Slot.STABLE, Slot.PREVIOUS}


@pytest.mark.slow
def test_slow_requests_end_before_their_replica_does(house: House) -> None:
    house.serving(latency=0.4)
    with Traffic(house.url, threads=8) as traffic:
        traffic.wait_for(8)
        house.canary()
        house.engine.set_shares({Slot.CANARY: 1.0})
        house.engine.stop(Slot.STABLE)
        traffic.wait_for(50)
    assert not traffic.lost


@pytest.mark.slow
def test_a_replica_that_is_asked_to_stop_loses_nothing(house: House) -> None:
    house.serving(replicas=2, latency=0.01)
    seen: Seen = next(iter(house.record.replicas.values()))
    child = seen.child()
    assert child
    with Traffic(house.url) as traffic:
        traffic.wait_for(50)
        child.send(signal.SIGTERM)
        traffic.wait_for(100)
        house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert not traffic.lost


@pytest.mark.slow
def test_a_large_body_is_replayed_too(house: House) -> None:
    house.serving(replicas=2, latency=0.05)
    with Traffic(house.url, body=b"x" * 64_000) as traffic:
        traffic.wait_for(20)
        child = next(iter(house.record.replicas.values())).child()
        assert child
        child.send(signal.SIGKILL)
        traffic.wait_for(40)
    assert not traffic.lost
