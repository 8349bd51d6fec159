"""A slot's counters."""

from __future__ import annotations

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.readiness import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, House, kill
from tests.traffic import Traffic


def test_metrics_are_the_slots_own(steady: House) -> None:
    stable, canary = steady.stable, steady.canary(error_every=4)
    before = steady.engine.metrics(Slot.STABLE)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    with Traffic(steady.url, threads=1) as traffic:
        traffic.wait_for(200)
    of_stable, of_canary = steady.engine.metrics(Slot.STABLE), steady.engine.metrics(Slot.CANARY)
    assert of_stable.releases == {stable.digest} and of_canary.releases == {canary.digest}
    assert of_stable.errors == 0 and of_stable.proxy_errors == 0
    assert of_canary.errors == of_canary.proxy_errors == len(traffic.lost) > 0
    new = of_stable.requests - before.requests
    assert new + of_canary.requests == traffic.answered + len(traffic.lost)
    assert of_canary.proxied == of_canary.requests and of_stable.proxied - before.proxied == new
    assert of_stable.predictions["1"] - before.predictions["1"] == new
    assert of_canary.predictions == {"1": of_canary.requests - of_canary.errors}
    assert of_canary.latency_buckets[float("inf")] == of_canary.requests and of_canary.latency_sum > 0


@pytest.mark.slow
def test_metrics_only_grow_when_replicas_or_the_proxy_are_restarted(house: House) -> None:
    house.serving(replicas=2)
    names = list(house.record.replicas)
    with Traffic(house.url) as traffic:
        traffic.wait_for(100)
        looks = [house.engine.metrics(Slot.STABLE)]
        for victim in (house.record.replicas[names[0]], house.record.replicas[names[1]], house.record.proxy):
            kill(victim)
            looks += [house.engine.metrics(Slot.STABLE) for _ in range(5)] if victim != house.record.proxy else []
            assert wait_until(
                lambda: house.record.proxied and not [r for r in house.record.replicas.values() if not r.child()], 10
            )
            house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
            traffic.wait_for(100)
            looks.append(house.engine.metrics(Slot.STABLE))
    for earlier, later in zip(looks, looks[1:], strict=False):
        assert later.requests >= earlier.requests and later.proxied >= earlier.proxied
        assert later.latency_sum >= earlier.latency_sum and later.predictions["1"] >= earlier.predictions["1"]
    assert looks[-1].requests >= 350


def test_a_slot_of_which_nothing_answers_has_no_metrics(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", crash="no"), 1)
    with pytest.raises(OutsideError, match="gives no metrics"):
        steady.engine.metrics(Slot.CANARY)
    assert steady.engine.metrics(Slot.STABLE).releases == {steady.stable.digest}
