"""A watcher judges nothing of what it slept through, and a canary that answers nothing fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Verdict
from infra.engines import observing, slots
from infra.engines.process.record import read_record
from infra.rollout import watch
from infra.rollout.watch import Heartbeat, Watch
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic
from validation.canary import gate


@pytest.fixture
def watched(site: Site) -> Iterator[Watch]:
    """A canary that is watched, with half of the traffic."""
    site.change({"gates.canary.rules": ["traffic", "identity", "split", "restarts"]})
    first, second = site.release("1"), site.release("2")
    site.put(stable=first, canary=second)
    target = site.target()
    target.engine.start(Slot.BASELINE, first, 1)
    target.engine.wait_ready(Slot.BASELINE, 20.0)
    with Heartbeat(target.engine.beat) as beating:
        target.engine.guard(Slot.CANARY, True)
        target.engine.set_shares({Slot.STABLE: 0.25, Slot.BASELINE: 0.25, Slot.CANARY: 0.5})
        yield Watch(target, second, first, beating)


def outcomes(verdict: Verdict) -> dict[str, Outcome]:
    """Return the rules' outcomes by name."""
    return {rule.name: rule.outcome for rule in verdict.rules}


@pytest.mark.parametrize("slept", [0.0, 30.0])
def test_what_happened_while_it_slept_is_not_judged(
    site: Site, watched: Watch, slept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a controller sleeps the proxy gives the canary nothing; that is no fault of the canary's."""
    real, engine = watch.now, site.target().engine
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(40)
        watched.look()
        engine.set_shares({Slot.STABLE: 1.0})
        traffic.wait_for(400)
        engine.set_shares({Slot.STABLE: 0.25, Slot.BASELINE: 0.25, Slot.CANARY: 0.5})
        monkeypatch.setattr(watch, "now", lambda: real() + slept)
        verdicts = []
        for _ in range(4):
            time.sleep(0.3)
            verdicts.append(outcomes(watched.look())["split"])
    assert (Outcome.FAIL in verdicts) == (not slept)


def test_a_canary_is_not_silent_for_as_long_as_the_controller_sleeps_over_its_verdict(
    watched: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat was asked before: that the controller slept since is only known at the next look."""
    real = gate.judge
    monkeypatch.setattr(watch, "BLIND_SECONDS", 0.5)

    def asleep(*given: Any, **named: Any) -> Verdict:
        time.sleep(1.0)
        return real(*given, **named)

    monkeypatch.setattr(watch, "judge", asleep)
    assert "errors" not in outcomes(watched.look())


def test_a_replica_that_hangs_fails_errors(site: Site, watched: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BLIND_SECONDS", 1.0)
    monkeypatch.setattr(slots, "SECONDS", 0.3)
    assert observing.SECONDS > 1.0
    engine = site.target().engine
    assert outcomes(watched.look())["restarts"] is Outcome.PASS
    [replica] = engine.status().slots[Slot.CANARY].replicas
    seen = read_record(site.target().folder / "supervisor.json").replicas[replica.name]
    os.kill(seen.pid, signal.SIGSTOP)
    try:
        begun, verdict = time.monotonic(), watched.look()
        while verdict.outcome is not Outcome.FAIL and time.monotonic() - begun < 10:
            time.sleep(0.1)
            verdict = watched.look()
    finally:
        os.kill(seen.pid, signal.SIGCONT)
    assert outcomes(verdict)["errors"] is Outcome.FAIL and time.monotonic() - begun > 0.5  # its last answer came before
    assert "has answered nothing for" in verdict.failed[0].reason


def test_one_that_was_killed_gets_the_time_to_come_back(
    site: Site, watched: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BLIND_SECONDS", 0.5)
    engine = site.target().engine
    watched.look()
    [replica] = engine.status().slots[Slot.CANARY].replicas
    os.kill(read_record(site.target().folder / "supervisor.json").replicas[replica.name].pid, signal.SIGKILL)
    while not engine.status().slots[Slot.CANARY].replicas[0].restarts:
        time.sleep(0.02)
    verdict = watched.look()
    assert "errors" not in outcomes(verdict) and outcomes(verdict)["restarts"] is not Outcome.FAIL
