"""What hangs is replaced: a proxy, a supervisor, both, a replica; and sockets that were cleaned away are made again."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot
from infra.engines.process import replicas as module
from infra.engines.process.record import Record, Seen
from infra.engines.process.replicas import Replicas
from infra.haproxy.control import Server
from infra.host import libraries
from infra.host.layout import Layout
from infra.host.processes import stopped, wait_until
from tests.infra import bundles
from tests.infra.engines.process.conftest import ProcessEnvironment, predict
from tests.infra.engines.states import slot, state
from tests.traffic import Traffic


def stop(seen: Seen | None) -> Seen:
    """Suspend a process: it lives, holds its ports and answers nothing once each of its threads has been told."""
    assert seen is not None
    os.kill(seen.pid, signal.SIGSTOP)
    assert wait_until(lambda: stopped(seen.pid), 30)
    return seen


@pytest.mark.slow
def test_up_replaces_a_proxy_that_hangs(environment: ProcessEnvironment) -> None:
    release = environment.serving()
    hung = stop(environment.record.proxy)
    assert not environment.engine.status().proxy_alive
    assert environment.engine.up() == ["the proxy answered nothing; it was replaced"]
    environment.engine.wait_ready(Slot.STABLE, 20.0)
    assert predict(environment.url).headers["x-gateline-release"] == release.digest
    assert hung.child() is None and environment.engine.up() == []


@pytest.mark.slow
def test_the_supervisor_replaces_a_proxy_that_hangs_by_itself(environment: ProcessEnvironment) -> None:
    environment.serving()
    hung = stop(environment.record.proxy)
    assert wait_until(lambda: hung.child() is None, 30)
    assert wait_until(lambda: environment.engine.status().proxy_alive, 30)
    assert predict(environment.url).status_code == 200


@pytest.mark.slow
def test_a_change_replaces_a_supervisor_that_hangs_and_loses_nothing(environment: ProcessEnvironment) -> None:
    environment.serving()
    canary = environment.canary()
    hung = stop(environment.record.supervisor)
    with Traffic(environment.url) as traffic:
        traffic.wait_for(50)
        environment.engine.set_shares({Slot.CANARY: 1.0})
        traffic.wait_for(50)
        assert predict(environment.url).headers["x-gateline-release"] == canary.digest
    assert not traffic.lost and hung.child() is None


@pytest.mark.slow
def test_one_that_was_suspended_just_now_is_not_waited_for(environment: ProcessEnvironment) -> None:
    environment.serving()
    stop(environment.record.supervisor)
    assert not environment.engine.status().supervised, "its last sign of life is still fresh"
    environment.engine.down()
    assert not any(seen.child() for seen in environment.record.everything)


@pytest.mark.slow
def test_up_replaces_both_in_one_command(environment: ProcessEnvironment) -> None:
    environment.serving()
    stop(environment.record.supervisor)
    stop(environment.record.proxy)
    status = environment.engine.status()
    assert not status.supervised and not status.proxy_alive
    assert environment.engine.up() == [
        "the supervisor answered nothing; it was replaced",
        "the proxy answered nothing; it was replaced",
    ]
    environment.engine.wait_ready(Slot.STABLE, 20.0)
    assert predict(environment.url).status_code == 200 and environment.engine.status().supervised


@pytest.mark.slow
def test_up_replaces_a_replica_of_stable_that_hangs_in_one_command(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2)
    [(name, seen), (other, well)] = environment.record.replicas.items()
    stop(seen)
    assert wait_until(lambda: environment.engine.status().hung == (f"replica {name} of stable",), 30)
    assert environment.engine.up() == [f"replica {name} answered nothing; it was replaced"]
    environment.engine.wait_ready(Slot.STABLE, 20.0)
    assert seen.child() is None and environment.record.replicas[other] == well and not environment.engine.status().hung


@pytest.mark.slow
@pytest.mark.parametrize("above", [False, True])
def test_sockets_that_were_cleaned_away_are_made_again(environment: ProcessEnvironment, above: bool) -> None:
    """Two proxies never share a port: for some milliseconds nobody listens, and idle connections are closed."""
    environment.serving()
    before = environment.record.proxy
    with Traffic(environment.url) as traffic:
        traffic.wait_for(50)
        shutil.rmtree(environment.state.runtime) if above else environment.state.socket.unlink()
        assert wait_until(environment.state.socket.exists, 30)
        assert wait_until(lambda: environment.engine.status().proxy_alive, 30)
        traffic.wait_for(200)
    lost = [loss.seconds for loss in traffic.lost]
    assert not lost or max(lost) - min(lost) < 0.5, traffic.lost
    assert environment.record.proxy != before
    assert before is not None and wait_until(lambda: before.child() is None, 30)
    environment.engine.set_shares({Slot.STABLE: 1.0})


def server(name: str, up: bool, timed_out: bool = False, since: float = 0.0) -> Server:
    """Return a replica as the proxy sees it."""
    return Server(name, up, up, 256, 0, 0.0, 0.0, "", timed_out=timed_out, since=since)


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[Replicas]:
    """One replica of stable: a process that does nothing."""
    place = Layout(tmp_path, "tiny", "production")
    release = bundles.make(tmp_path / "made")
    place.releases.mkdir()
    (tmp_path / "made").rename(place.bundle(release.digest))
    program = place.envs / "made-by-hand" / "bin" / "program"
    program.parent.mkdir(parents=True)
    (place.envs / "made-by-hand" / libraries.STAMP).touch()
    program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    program.chmod(0o700)
    stable = slot("s", share=1.0).model_copy(update={"release": release, "program": str(program)})
    replicas = Replicas(place, Record())
    assert wait_until(lambda: not replicas.supervise(state(stable=stable)) and bool(replicas.seen), 30)
    try:
        yield replicas
    finally:
        for process in replicas._running.values():
            process.send(signal.SIGKILL)
            assert wait_until(lambda one=process: not one.alive, 5)  # type: ignore[misc]


def test_a_replica_that_let_its_checks_time_out_is_ended(sleeping: Replicas) -> None:
    [(name, seen)] = sleeping.seen.items()
    assert sleeping.end_hung({name: server(name, up=True)}) == []
    assert sleeping.end_hung({name: server(name, up=False, timed_out=True, since=module.HUNG_SECONDS)}) == [name]
    assert wait_until(lambda: seen.child() is None, 30)


@pytest.mark.parametrize(
    ("passed", "seen"),
    [
        (True, {"up": False, "timed_out": True, "since": module.HUNG_SECONDS - 1}),
        (True, {"up": False, "timed_out": False, "since": 600.0}),
        (True, {"up": True, "timed_out": True, "since": 600.0}),
        (False, {"up": False, "timed_out": True, "since": 600.0}),
    ],
    ids=["not for long", "it refuses", "one check alone", "it was never ready"],
)
def test_one_that_is_slow_or_was_never_ready_is_not(sleeping: Replicas, passed: bool, seen: dict[str, float]) -> None:
    [name] = sleeping.seen
    assert sleeping.end_hung({name: server(name, up=True)} if passed else {}) == []
    assert sleeping.end_hung({name: server(name, **seen)}) == []  # type: ignore[arg-type]
