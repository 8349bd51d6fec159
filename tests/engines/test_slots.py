"""Slots: a release starts in one, gets its share, moves and leaves, and no request is lost meanwhile."""

from __future__ import annotations

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment
from tests.traffic import Traffic


def predict(environment: RunningEnvironment) -> httpx.Response:
    """Send one request."""
    return httpx.post(f"{environment.url}/predict", content=b"{}", timeout=5)


def test_a_release_serves_with_all_traffic(steady: RunningEnvironment) -> None:
    status = steady.engine.status()
    assert predict(steady).headers["x-gateline-release"] == steady.stable.digest
    assert status.proxy_alive and status.supervised and status.hung == () and status.url == steady.url
    stable = status.slots[Slot.STABLE]
    assert stable.slot is Slot.STABLE and stable.share == 1.0
    assert [(replica.alive, replica.restarts) for replica in stable.replicas] == [(True, 0), (True, 0)]


def test_where_it_runs_is_said(steady: RunningEnvironment) -> None:
    assert steady.engine.status().where == steady.another().status().where != ""


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_share_is_exact_with_any_number_of_replicas(steady: RunningEnvironment, keep_alive: bool) -> None:
    canary = steady.canary()
    steady.engine.set_shares({Slot.STABLE: 0.9, Slot.CANARY: 0.1})
    status = steady.engine.status()
    share, by_number = status.slots[Slot.CANARY].share, "canary 33% with 1 (asked 10%)" in status.sharing
    assert share == pytest.approx(1 / 3 if by_number else 0.1) and bool(status.sharing) == by_number
    with Traffic(steady.url, keep_alive=keep_alive) as traffic:
        traffic.wait_for(4000 if by_number and keep_alive else 1000)
    assert not traffic.lost and set(traffic.releases) == {steady.stable.digest, canary.digest}
    apart = abs(traffic.releases[canary.digest] - traffic.answered * share)
    # A proxy of ours takes turns. A Gateway draws each request, and a Service each connection, which has many.
    most = 3.0 if steady.takes_turns else 5 * (traffic.answered * share * (1 - share) * (200 if by_number else 1)) ** 0.5
    assert apart <= most, traffic.releases


def test_a_slot_without_a_share_gets_no_request(steady: RunningEnvironment) -> None:
    steady.canary()
    assert steady.engine.status().slots[Slot.CANARY].share == 0.0, "a slot starts so"
    with Traffic(steady.url) as traffic:
        traffic.wait_for(200)
    assert set(traffic.releases) == {steady.stable.digest} and not traffic.lost


def test_shares_that_make_no_whole_or_name_an_empty_slot_are_refused(steady: RunningEnvironment) -> None:
    with pytest.raises(UsageError, match="add up to 1"):
        steady.engine.set_shares({Slot.STABLE: 0.5})
    with pytest.raises(UsageError, match="slot canary of production is empty"):
        steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    assert steady.engine.status().slots[Slot.STABLE].share == 1.0


def test_start_brings_a_slot_to_the_number_asked_for_and_is_safe_to_repeat(fresh: RunningEnvironment) -> None:
    release = fresh.serving(replicas=1, workers=2)
    first = fresh.engine.status().slots[Slot.STABLE].replicas
    assert len(first) == 2, "each has as many processes as the release says"
    with Traffic(fresh.url) as traffic:
        fresh.engine.start(Slot.STABLE, release, 2)
        fresh.engine.start(Slot.STABLE, release, 2)
        fresh.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        more = fresh.engine.status().slots[Slot.STABLE]
        fresh.engine.start(Slot.STABLE, release, 1)
        traffic.wait_for(200)
    assert len(more.replicas) == 4 and more.share == 1.0
    assert [one.address for one in fresh.engine.status().slots[Slot.STABLE].replicas] == [one.address for one in first]
    assert not traffic.lost


def test_a_slot_that_runs_another_release_is_refused(steady: RunningEnvironment) -> None:
    other = steady.fetched("2")
    with pytest.raises(UsageError, match=r"slot stable of production runs 1\+.*\n  next: empty it first"):
        steady.engine.start(Slot.STABLE, other, 1)


def test_stop_forgets_a_slot_and_is_safe_to_repeat(steady: RunningEnvironment) -> None:
    canary = steady.canary()
    [replica] = steady.engine.status().slots[Slot.CANARY].replicas
    steady.engine.stop(Slot.CANARY)
    steady.engine.stop(Slot.CANARY)
    assert set(steady.engine.status().slots) == {Slot.STABLE}
    steady.engine.start(Slot.CANARY, canary, 1)
    [again] = steady.engine.status().slots[Slot.CANARY].replicas
    assert again.name != replica.name, "a name is never used twice"


def test_a_slot_with_traffic_that_another_could_take_is_not_stopped(steady: RunningEnvironment) -> None:
    steady.canary()
    with pytest.raises(UsageError, match="slot stable of production has 100% of traffic"):
        steady.engine.stop(Slot.STABLE)
    assert predict(steady).status_code == 200


def test_the_only_slot_can_be_stopped(fresh: RunningEnvironment) -> None:
    fresh.serving()
    fresh.engine.stop(Slot.STABLE)
    assert fresh.engine.status().slots == {} and fresh.finds_nobody()


def test_a_slot_moves_with_its_share_and_without_its_guard(fresh: RunningEnvironment) -> None:
    release = fresh.serving()
    fresh.engine.guard(Slot.STABLE, True)
    before = fresh.engine.status().slots[Slot.STABLE]
    for _ in range(2):
        fresh.engine.move(Slot.STABLE, Slot.PREVIOUS)
    assert set(fresh.engine.status().slots) == {Slot.PREVIOUS}
    fresh.engine.wait_ready(Slot.PREVIOUS, READY_SECONDS)
    after = fresh.engine.status().slots[Slot.PREVIOUS]
    assert (after.release, after.share) == (release, 1.0)
    assert [one.name for one in after.replicas] == [one.name for one in before.replicas]
    fresh.canary()
    with pytest.raises(UsageError, match="previous is not empty"):
        fresh.engine.move(Slot.CANARY, Slot.PREVIOUS)
    with pytest.raises(UsageError, match="stable is empty"):
        fresh.engine.move(Slot.STABLE, Slot.BASELINE)


def test_an_empty_slot_has_nothing_to_wait_for_to_measure_or_to_guard(steady: RunningEnvironment) -> None:
    empty = pytest.raises(UsageError, match="slot canary of production is empty")
    with empty:
        steady.engine.wait_ready(Slot.CANARY, 1)
    with empty:
        steady.engine.metrics(Slot.CANARY)
    with empty:
        steady.engine.drift_counts(Slot.CANARY)
    with empty:
        steady.engine.guard(Slot.CANARY, True)


def deploy(environment: RunningEnvironment, version: str, traffic: Traffic, share: float) -> str:
    """Start a canary, give it a share, then everything; keep the old one as previous."""
    release = environment.canary(version, replicas=2)
    environment.engine.set_shares({Slot.STABLE: 1 - share, Slot.CANARY: share})
    traffic.wait_for(100)
    environment.engine.set_shares({Slot.CANARY: 1.0})
    environment.engine.stop(Slot.PREVIOUS)
    environment.engine.move(Slot.STABLE, Slot.PREVIOUS)
    environment.engine.move(Slot.CANARY, Slot.STABLE)
    traffic.wait_for(100)
    return release.digest


@pytest.mark.slow
@pytest.mark.parametrize("keep_alive", [True, False])
def test_deploys_and_rollbacks_lose_no_request(fresh: RunningEnvironment, keep_alive: bool) -> None:
    first = fresh.serving(version="1").digest
    with Traffic(fresh.url, keep_alive=keep_alive, body=b"x" * 1000) as traffic:
        traffic.wait_for(100)
        second = deploy(fresh, "2", traffic, 0.1)
        third = deploy(fresh, "3", traffic, 0.5)
        fresh.engine.set_shares({Slot.PREVIOUS: 1.0})
        fresh.engine.stop(Slot.STABLE)
        fresh.engine.move(Slot.PREVIOUS, Slot.STABLE)
        traffic.wait_for(100)
        assert fresh.stable.digest == second
        fourth = deploy(fresh, "4", traffic, 0.1)
    assert not traffic.lost, (traffic.answered, traffic.lost[:5])
    assert set(traffic.releases) == {first, second, third, fourth}
    assert set(fresh.engine.status().slots) == {Slot.STABLE, Slot.PREVIOUS}


@pytest.mark.slow
def test_slow_requests_end_before_their_replica_does(fresh: RunningEnvironment) -> None:
    fresh.serving(latency=0.4)
    with Traffic(fresh.url, threads=8) as traffic:
        traffic.wait_for(8)
        fresh.canary()
        fresh.engine.set_shares({Slot.CANARY: 1.0})
        fresh.engine.stop(Slot.STABLE)
        traffic.wait_for(50)
    assert not traffic.lost
