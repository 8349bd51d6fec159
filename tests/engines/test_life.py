"""Up and down, what dies and what hangs, and the heartbeat of a canary's controller."""

from __future__ import annotations

import signal
import time

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError
from infra.host.processes import wait_until
from infra.rollout.watch import Heartbeat
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment
from tests.traffic import Traffic


def test_nothing_runs_before_up_and_nothing_but_503_answers_until_something_starts(fresh: RunningEnvironment) -> None:
    running = fresh.engine.status()
    assert running.environment == "production" and not running.proxy_alive and not running.slots
    assert fresh.engine.orphaned() == ""
    assert fresh.engine.up() == [] == fresh.engine.up()
    assert fresh.finds_nobody()
    assert fresh.engine.status().proxy_alive and fresh.engine.kept() == [] and fresh.engine.history() == []


def test_down_stops_everything_and_up_brings_it_back(fresh: RunningEnvironment) -> None:
    release = fresh.serving()
    fresh.engine.remember(["a" * 64, release.digest])
    for _ in range(2):
        fresh.engine.down()
    running = fresh.engine.status()
    assert not running.proxy_alive and running.release_in(Slot.STABLE) == release
    assert running.slots[Slot.STABLE].share == 0.0 and not any(one.alive for one in running.slots[Slot.STABLE].replicas)
    with pytest.raises(UsageError, match=r"production is down\n  next: invoke up --env=production"):
        fresh.engine.set_shares({Slot.STABLE: 1.0})
    assert fresh.another().up() == []
    assert httpx.post(f"{fresh.url}/predict", content=b"{}").headers["x-gateline-release"] == release.digest
    assert fresh.engine.history() == ["a" * 64, release.digest]


def test_what_is_removed_does_not_come_back(fresh: RunningEnvironment) -> None:
    fresh.serving(replicas=1)
    for _ in range(2):
        fresh.engine.remove()
    assert not fresh.engine.status().slots
    fresh.engine.up()
    assert fresh.finds_nobody() and not fresh.engine.history()


@pytest.mark.slow
def test_a_killed_replica_is_started_again_and_no_request_is_lost(fresh: RunningEnvironment) -> None:
    fresh.serving(replicas=2, latency=0.005)
    first, _ = fresh.engine.status().slots[Slot.STABLE].replicas
    with Traffic(fresh.url) as traffic:
        traffic.wait_for(100)
        fresh.send(first.name, signal.SIGKILL)
        assert wait_until(lambda: [r.restarts for r in fresh.engine.status().slots[Slot.STABLE].replicas] == [1, 0], 30)
        fresh.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        traffic.wait_for(200)
    # Without a proxy of ours, what asks for a pod until its node has seen that it is dead gets no answer: nobody asks again.
    assert not traffic.lost or (not fresh.takes_turns and len(traffic.lost) < traffic.sent / 5), traffic.lost[:3]
    assert all(one.alive for one in fresh.engine.status().slots[Slot.STABLE].replicas)


@pytest.mark.slow
def test_a_replica_that_hangs_is_named_and_up_brings_it_back(fresh: RunningEnvironment) -> None:
    fresh.serving(replicas=2)
    first, _ = fresh.engine.status().slots[Slot.STABLE].replicas
    fresh.send(first.name, signal.SIGSTOP)
    if not fresh.takes_turns:  # its node starts it again by itself
        assert wait_until(lambda: fresh.engine.status().slots[Slot.STABLE].replicas[0].restarts == 1, 60)
        return fresh.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert wait_until(lambda: fresh.engine.status().hung == (f"replica {first.name} of stable",), 60)
    [told] = fresh.engine.up()
    assert told.startswith(f"replica {first.name} answered nothing; ")
    fresh.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert fresh.engine.up() == [] and not fresh.engine.status().hung


@pytest.mark.slow
def test_a_guarded_slot_is_out_of_traffic_two_seconds_after_the_last_beat(fresh: RunningEnvironment) -> None:
    stable, canary = fresh.serving(), fresh.canary()
    with Traffic(fresh.url) as traffic:
        with Heartbeat(fresh.engine.beat) as heartbeat:
            fresh.engine.guard(Slot.CANARY, True)
            fresh.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
            share, end = 0.0, time.monotonic() + 30
            while share < 0.3 and time.monotonic() < end:  # a machine that is busy may miss a beat
                heartbeat.beat()
                share = fresh.engine.status().slots[Slot.CANARY].share
            seen, checked = traffic.releases[canary.digest], time.monotonic() + 2.0
            # checks from before the first beat have had their effect by then
            while traffic.releases[canary.digest] < seen + 50 or time.monotonic() < checked:
                heartbeat.beat()
                traffic.wait_for(1)
        died = time.monotonic()
        assert wait_until(lambda: fresh.engine.status().slots[Slot.CANARY].share == 0.0, 5)
        out = time.monotonic() - died
        before = traffic.releases[canary.digest]
        traffic.wait_for(300)
        still = traffic.releases[canary.digest] - before
        after = traffic.last[canary.digest] - died
    print(f"out of the shares after {out:.2f} s, its last answer after {after:.2f} s, {still} answers in between")
    assert share > 0.3 and out < 2.5 and not traffic.lost, traffic.lost[:3]
    # A connection that a client keeps stays with its pod for a second.
    assert still <= 4 if fresh.takes_turns else after < 4.0
    assert set(traffic.releases) == {stable.digest, canary.digest}
    fresh.engine.guard(Slot.CANARY, False)
    assert wait_until(lambda: fresh.engine.status().slots[Slot.CANARY].share == pytest.approx(share), 30)
