"""What the entry Service selects and what the HTTPRoute weighs, for every way of sharing."""

from __future__ import annotations

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError
from infra.engines.kubernetes import traffic
from infra.engines.kubernetes.names import DEPLOYMENT, POOL, Names
from tests.infra.engines.kubernetes.states import state, workload

NAMES = Names("tiny", "production")
CANARY = {
    "stable": workload("a-1", 0.7, count=4),
    "baseline": workload("a-2", 0.2, pools=("a-2", "a-1")),
    "canary": workload("b-3", 0.1, pools=("b-3", "a-1"), guarded=True),
    "previous": workload("c-0", 0.0),
}


def test_one_slot_with_traffic_is_selected_by_its_deployment_and_nobody_by_none() -> None:
    alone = state(stable=workload("a-1", 1.0), canary=workload("b-2", 0.0, pools=("b-2", "a-1")))
    assert traffic.selector(NAMES, alone) == NAMES.own | {DEPLOYMENT: "gateline-tiny-production-a-1"}
    assert traffic.selector(NAMES, state()) == NAMES.own | {DEPLOYMENT: "none"}


def test_several_slots_are_selected_by_the_pool_that_all_are_in() -> None:
    assert traffic.selector(NAMES, state(**CANARY)) == NAMES.own | {f"{POOL}a-1": "yes"}


def test_without_the_guarded_slot_the_others_share_and_where_it_is_alone_it_stays() -> None:
    assert traffic.selector(NAMES, state(**CANARY), guarded=False) == NAMES.own | {f"{POOL}a-1": "yes"}
    two = state(stable=workload("a-1", 0.9), canary=workload("b-2", 0.1, pools=("b-2", "a-1"), guarded=True))
    assert traffic.selector(NAMES, two, guarded=False) == NAMES.own | {DEPLOYMENT: "gateline-tiny-production-a-1"}
    alone = state(canary=workload("b-2", 1.0, guarded=True))
    assert traffic.selector(NAMES, alone, guarded=False) == traffic.selector(NAMES, alone)


def test_pods_that_are_in_no_pool_together_cannot_share() -> None:
    strangers = state(stable=workload("a-1", 0.5), canary=workload("b-2", 0.5))
    with pytest.raises(UsageError, match=r"stable .* and canary .* of production cannot share traffic"):
        traffic.selector(NAMES, strangers)


def weights(ready: set[str], *, guarded: bool = True) -> dict[str, int]:
    """Return the weights of a canary's route, by the Deployment."""
    found = traffic.backends(NAMES, state(**CANARY), 8100, ready, guarded=guarded)
    assert all((one["kind"], one["port"]) == ("Service", 8100) for one in found)
    return {one["name"].removeprefix("gateline-tiny-production-"): one["weight"] for one in found}


def test_weights_are_the_shares_and_what_has_no_ready_pod_has_none() -> None:
    assert weights({"a-1", "a-2", "b-3"}) == {"a-1": 700, "a-2": 200, "b-3": 100, "c-0": 0}
    assert weights({"a-1", "a-2"}) == {"a-1": 700, "a-2": 200, "b-3": 0, "c-0": 0}
    assert weights({"a-1", "a-2", "b-3"}, guarded=False) == {"a-1": 700, "a-2": 200, "b-3": 0, "c-0": 0}
    assert weights(set()) == {"a-1": 700, "a-2": 200, "b-3": 100, "c-0": 0}, "nobody could answer: as it was asked"


def test_a_route_without_any_share_leads_to_the_service_that_selects_nobody() -> None:
    found = traffic.backends(NAMES, state(stable=workload("a-1")), 8100, {"a-1"})
    assert {one["name"]: one["weight"] for one in found} == {"gateline-tiny-production-a-1": 0, "gateline-tiny-production": 1}
    assert [one["name"] for one in traffic.backends(NAMES, state(), 8100, ())] == ["gateline-tiny-production"]


def test_shares_are_parts_of_all() -> None:
    assert traffic.shares({"a": 3.0, "b": 1.0}) == {"a": 0.75, "b": 0.25}
    assert traffic.shares({"a": 0.0}) == {"a": 0.0}


def test_the_share_that_replicas_give_is_said_with_what_the_asked_one_takes() -> None:
    asked = {Slot.STABLE: 0.9, Slot.CANARY: 0.1, Slot.PREVIOUS: 0.0}
    said = traffic.told(asked, {Slot.STABLE: 3, Slot.CANARY: 1, Slot.PREVIOUS: 3})
    assert "stable 75% with 3 (asked 90%), canary 25% with 1 (asked 10%)" in said
    assert said.endswith("exactly that would take stable 9, canary 1")
    assert traffic.told({Slot.STABLE: 1.0, Slot.PREVIOUS: 0.0}, {Slot.STABLE: 2}) == ""
