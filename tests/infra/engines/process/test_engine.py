"""The engine from the outside: real processes, a real proxy."""

from __future__ import annotations

import httpx
import psutil
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError, UsageError
from infra.engines.readiness import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, House, gone, predict
from tests.traffic import Traffic


def test_a_release_serves_from_its_bundle(steady: House) -> None:
    release = steady.stable
    answer = predict(steady.url)
    assert answer.status_code == 200 and answer.headers["x-gateline-release"] == release.digest
    status = steady.engine.status().slots[Slot.STABLE]
    assert status.share == 1.0 and [replica.alive for replica in status.replicas] == [True, True]
    pids = [seen.pid for seen in steady.record.replicas.values()]
    assert {psutil.Process(pid).cwd() for pid in pids} == {str(steady.place.bundle(release.digest))}


def test_a_replica_sees_only_allowed_variables(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_AUDIT_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://127.0.0.1:1/0")
    house.serving()
    address = house.engine.status().slots[Slot.STABLE].replicas[0].address
    variables = httpx.get(f"http://{address}/health/ready").json()["variables"]
    assert "secret" not in variables.values()
    assert variables["GATELINE_REDIS_URL"] == "redis://127.0.0.1:1/0"
    assert variables["GATELINE_LOG_DIR"] == str(house.place.predictions)
    supervisor = house.record.supervisor
    assert supervisor and "GATELINE_AUDIT_KEY" not in psutil.Process(supervisor.pid).environ()


def test_every_replica_has_as_many_processes_as_the_release_says(house: House) -> None:
    house.serving(replicas=1, workers=2)
    assert len(house.engine.status().slots[Slot.STABLE].replicas) == 2


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_share_is_exact_whatever_the_number_of_replicas(steady: House, keep_alive: bool) -> None:
    canary = steady.canary()
    steady.engine.set_shares({Slot.STABLE: 0.9, Slot.CANARY: 0.1})
    assert steady.engine.status().slots[Slot.CANARY].share == pytest.approx(0.1)
    with Traffic(steady.url, keep_alive=keep_alive) as traffic:
        traffic.wait_for(1000)
    assert not traffic.lost and set(traffic.releases) == {steady.stable.digest, canary.digest}
    assert abs(traffic.releases[canary.digest] - traffic.answered / 10) <= 3, traffic.releases


def test_a_slot_without_a_share_gets_no_request(steady: House) -> None:
    steady.canary()
    with Traffic(steady.url) as traffic:
        traffic.wait_for(200)
    assert set(traffic.releases) == {steady.stable.digest} and not traffic.lost


def test_start_brings_a_slot_to_the_number_asked_for(house: House) -> None:
    release = house.serving(replicas=1)
    first = house.engine.status().slots[Slot.STABLE].replicas[0]
    with Traffic(house.url) as traffic:
        house.engine.start(Slot.STABLE, release, 3)
        house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        three = house.engine.status().slots[Slot.STABLE]
        house.engine.start(Slot.STABLE, release, 1)
        traffic.wait_for(200)
    assert len(three.replicas) == 3 and three.share == 1.0
    assert [r.address for r in house.engine.status().slots[Slot.STABLE].replicas] == [first.address]
    assert not traffic.lost


def test_a_slot_that_runs_another_release_is_refused(steady: House) -> None:
    other = steady.fetched("2")
    with pytest.raises(UsageError, match=r"slot stable of production runs 1\+.*\n  next: empty it first"):
        steady.engine.start(Slot.STABLE, other, 1)


def test_a_release_that_was_not_fetched_is_refused(steady: House) -> None:
    release = steady.stable.model_copy(update={"digest": "f" * 64})
    with pytest.raises(UsageError, match="release 1.* is not on this host"):
        steady.engine.start(Slot.CANARY, release, 1)


def test_stop_ends_the_processes_and_forgets_the_slot(steady: House) -> None:
    steady.canary()
    names = [replica.name for replica in steady.engine.status().slots[Slot.CANARY].replicas]
    pids = [steady.record.replicas[name].pid for name in names]
    steady.engine.stop(Slot.CANARY)
    assert wait_until(lambda: all(gone(pid) for pid in pids), 5)
    assert set(steady.engine.status().slots) == {Slot.STABLE}
    steady.engine.stop(Slot.CANARY)


def test_a_slot_with_traffic_is_not_stopped(steady: House) -> None:
    steady.canary()
    with pytest.raises(UsageError, match="slot stable of production has 100% of traffic"):
        steady.engine.stop(Slot.STABLE)
    assert predict(steady.url).status_code == 200


def test_the_only_slot_can_be_stopped(house: House) -> None:
    house.serving()
    house.engine.stop(Slot.STABLE)
    assert house.engine.status().slots == {} and predict(house.url).status_code == 503


@pytest.mark.slow
def test_a_replica_that_ignores_sigterm_is_killed(house: House) -> None:
    house.engine.up()
    release = house.fetched(stubborn=True, drain_seconds=0.5)
    house.engine.start(Slot.STABLE, release, 1)
    house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    pid = next(iter(house.record.replicas.values())).pid
    house.engine.stop(Slot.STABLE)
    assert not gone(pid) and house.engine.status().slots == {}
    assert wait_until(lambda: gone(pid), 5)


def test_move_takes_release_and_share_along(house: House) -> None:
    release = house.serving()
    addresses = [replica.address for replica in house.engine.status().slots[Slot.STABLE].replicas]
    house.engine.move(Slot.STABLE, Slot.PREVIOUS)
    moved = house.engine.status().slots
    assert (
        set(moved) == {Slot.PREVIOUS} and moved[Slot.PREVIOUS].release == release and moved[Slot.PREVIOUS].share == 1.0
    )
    assert [replica.address for replica in moved[Slot.PREVIOUS].replicas] == addresses


def test_a_damaged_state_is_named_and_production_answers(steady: House) -> None:
    whole = steady.place.state.read_bytes()
    steady.place.state.write_bytes(whole[:50])
    try:
        with pytest.raises(OutsideError, match="state.json is damaged"):
            steady.engine.status()
        assert wait_until(lambda: "state.json is damaged" in steady.record.trouble, 5)
        assert predict(steady.url).status_code == 200
    finally:
        steady.place.state.write_bytes(whole)
    assert wait_until(lambda: steady.record.trouble == "", 5)


def test_an_empty_slot_has_nothing_to_wait_for_or_to_measure(steady: House) -> None:
    with pytest.raises(UsageError, match="slot canary of production is empty"):
        steady.engine.wait_ready(Slot.CANARY, 1)
    with pytest.raises(UsageError, match="slot canary of production is empty"):
        steady.engine.metrics(Slot.CANARY)
    assert [release.digest for release in steady.engine.kept()].count(steady.stable.digest) == 1
