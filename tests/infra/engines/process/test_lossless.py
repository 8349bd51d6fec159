"""Deploys, canaries, promotions and rollbacks under load lose nothing."""

from __future__ import annotations

import signal

import pytest

from gateline.contracts.slots import Slot
from infra.engines.process.record import Seen
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment
from tests.traffic import Traffic


@pytest.mark.slow
def test_a_replica_that_is_asked_to_stop_loses_nothing(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2, latency=0.01)
    seen: Seen = next(iter(environment.record.replicas.values()))
    child = seen.child()
    assert child
    with Traffic(environment.url) as traffic:
        traffic.wait_for(50)
        child.send(signal.SIGTERM)
        traffic.wait_for(100)
        environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert not traffic.lost


@pytest.mark.slow
def test_a_large_body_is_replayed_too(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2, latency=0.05)
    with Traffic(environment.url, body=b"x" * 64_000) as traffic:
        traffic.wait_for(20)
        child = next(iter(environment.record.replicas.values())).child()
        assert child
        child.send(signal.SIGKILL)
        traffic.wait_for(40)
    assert not traffic.lost
