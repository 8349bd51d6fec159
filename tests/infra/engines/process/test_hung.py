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
from infra.engines.readiness import wait_until
from infra.haproxy.statistics import Server
from infra.host import libraries
from infra.host.layout import Layout
from tests.infra import bundles
from tests.infra.engines.process.conftest import House, predict
from tests.infra.engines.states import slot, state
from tests.traffic import Traffic


def stop(seen: Seen | None) -> Seen:
    """Suspend a process: it lives, holds its ports and answers nothing."""
    assert seen is not None
    os.kill(seen.pid, signal.SIGSTOP)
    return seen


@pytest.mark.slow
def test_up_replaces_a_proxy_that_hangs(house: House) -> None:
    release = house.serving()
    hung = stop(house.record.proxy)
    assert not house.engine.status().proxy_alive
    assert house.engine.up() == ["the proxy answered nothing; it was replaced"]
    house.engine.wait_ready(Slot.STABLE, 20.0)
    assert predict(house.url).headers["x-gateline-release"] == release.digest
    assert hung.child() is None and house.engine.up() == []


@pytest.mark.slow
def test_the_supervisor_replaces_a_proxy_that_hangs_by_itself(house: House) -> None:
    house.serving()
    hung = stop(house.record.proxy)
    assert wait_until(lambda: hung.child() is None, 20)
    assert wait_until(lambda: house.engine.status().proxy_alive, 10)
    assert predict(house.url).status_code == 200


@pytest.mark.slow
def test_a_change_replaces_a_supervisor_that_hangs_and_loses_nothing(house: House) -> None:
    house.serving()
    canary = house.canary()
    hung = stop(house.record.supervisor)
    with Traffic(house.url) as traffic:
        traffic.wait_for(50)
        house.engine.set_shares({Slot.CANARY: 1.0})
        traffic.wait_for(50)
        assert predict(house.url).headers["x-gateline-release"] == canary.digest
    assert not traffic.lost and hung.child() is None


@pytest.mark.slow
def test_up_replaces_both_in_one_command(house: House) -> None:
    house.serving()
    stop(house.record.supervisor)
    stop(house.record.proxy)
    status = house.engine.status()
    assert not status.supervised and not status.proxy_alive
    assert house.engine.up() == [
        "the supervisor answered nothing; it was replaced",
        "the proxy answered nothing; it was replaced",
    ]
    house.engine.wait_ready(Slot.STABLE, 20.0)
    assert predict(house.url).status_code == 200 and house.engine.status().supervised


@pytest.mark.slow
def test_up_replaces_a_replica_of_stable_that_hangs_in_one_command(house: House) -> None:
    house.serving(replicas=2)
    [(name, seen), (other, well)] = house.record.replicas.items()
    stop(seen)
    assert wait_until(lambda: house.engine.status().hung == (f"replica {name} of stable",), 15)
    assert house.engine.up() == [f"replica {name} answered nothing; it was replaced"]
    house.engine.wait_ready(Slot.STABLE, 20.0)
    assert seen.child() is None and house.record.replicas[other] == well and not house.engine.status().hung


@pytest.mark.slow
@pytest.mark.parametrize("above", [False, True])
def test_sockets_that_were_cleaned_away_are_made_again(house: House, above: bool) -> None:
    """Two proxies never share a port: for some milliseconds nobody listens, and idle connections are closed."""
    house.serving()
    before = house.record.proxy
    with Traffic(house.url) as traffic:
        traffic.wait_for(50)
        shutil.rmtree(house.state.runtime) if above else house.state.socket.unlink()
        assert wait_until(house.state.socket.exists, 10)
        assert wait_until(lambda: house.engine.status().proxy_alive, 10)
        traffic.wait_for(200)
    lost = [loss.seconds for loss in traffic.lost]
    assert not lost or max(lost) - min(lost) < 0.5, traffic.lost
    assert house.record.proxy != before
    assert before is not None and wait_until(lambda: before.child() is None, 10)
    house.engine.set_shares({Slot.STABLE: 1.0})


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
    assert wait_until(lambda: not replicas.tend(state(stable=stable)) and bool(replicas.seen), 5)
    try:
        yield replicas
    finally:
        for kept in replicas._kept.values():
            kept.send(signal.SIGKILL)
            assert wait_until(lambda one=kept: not one.alive, 5)  # type: ignore[misc]


def test_a_replica_that_let_its_checks_time_out_is_ended(sleeping: Replicas) -> None:
    [(name, seen)] = sleeping.seen.items()
    assert sleeping.end_hung({name: server(name, up=True)}) == []
    assert sleeping.end_hung({name: server(name, up=False, timed_out=True, since=module.HUNG_SECONDS)}) == [name]
    assert wait_until(lambda: seen.child() is None, 5)


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
