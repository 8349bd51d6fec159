"""A slot's counters."""

from __future__ import annotations

import pytest

from gateline.contracts.slots import Slot
from infra.host.processes import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, kill
from tests.traffic import Traffic


@pytest.mark.slow
def test_metrics_only_grow_when_the_proxy_is_restarted(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2)
    with Traffic(environment.url) as traffic:
        traffic.wait_for(100)
        earlier = environment.engine.metrics(Slot.STABLE)
        before = environment.record.proxy
        kill(before)
        assert wait_until(lambda: environment.record.proxied and environment.record.proxy != before, 30)
        environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        traffic.wait_for(100)
        later = environment.engine.metrics(Slot.STABLE)
    assert later.requests >= earlier.requests + 50 and later.proxied >= earlier.proxied
    assert later.latency_sum >= earlier.latency_sum and later.predictions["1"] >= earlier.predictions["1"]
