"""Up and down, and what is in the way."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.process.engine import ProcessEngine
from infra.host.ports import free_ports
from tests.infra.engines.process.conftest import ProcessEnvironment, gone, predict, settings


def test_nothing_runs_before_up(environment: ProcessEnvironment) -> None:
    running = environment.engine.status()
    assert not running.proxy_alive and not running.supervised and not running.slots
    assert not environment.place.folder.exists()


def test_up_is_repeatable_and_answers_503_while_empty(environment: ProcessEnvironment) -> None:
    assert environment.engine.up() == []
    before = environment.record
    assert environment.engine.up() == []
    assert environment.record.supervisor == before.supervisor and environment.record.proxy == before.proxy
    assert predict(environment.url).status_code == 503


@pytest.mark.slow
def test_down_stops_everything_and_up_brings_it_back(environment: ProcessEnvironment) -> None:
    release = environment.serving()
    environment.engine.remember(["a", release.digest])
    pids = [seen.pid for seen in environment.record.everything]
    environment.engine.down()
    running = environment.engine.status()
    assert not environment.state.runtime.exists()
    assert all(gone(pid) for pid in pids)
    assert not running.proxy_alive and not running.supervised and running.release_in(Slot.STABLE) == release
    assert running.slots[Slot.STABLE].share == 0.0 and not running.slots[Slot.STABLE].replicas[0].alive
    environment.engine.down()
    assert environment.engine.up() == []
    assert predict(environment.url).headers["x-gateline-release"] == release.digest
    assert environment.engine.history() == ["a", release.digest]


@pytest.mark.slow
def test_what_is_removed_does_not_come_back(environment: ProcessEnvironment) -> None:
    environment.serving()
    pids = [seen.pid for seen in environment.record.everything]
    environment.engine.remove()
    assert all(gone(pid) for pid in pids)
    assert not environment.place.state.exists() and not environment.place.logs.exists()
    assert not environment.engine.status().slots
    environment.engine.remove()
    environment.engine.up()
    assert predict(environment.url).status_code == 503 and not environment.engine.history()


def test_a_taken_port_names_port_and_holder(environment: ProcessEnvironment) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", environment.port))
        other.listen()
        with pytest.raises(OutsideError, match=rf"port {environment.port} of production is taken by process {os.getpid()}"):
            environment.engine.up()
        assert environment.record.supervisor is None
    assert environment.engine.up() == []


@pytest.mark.slow
def test_a_replicas_port_that_was_lost_while_down_is_replaced(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2)
    environment.engine.down()
    lost = environment.state.slots[Slot.STABLE].replicas[0].port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", lost))
        other.listen()
        environment.engine.up()
    ports = {replica.port for replica in environment.state.slots[Slot.STABLE].replicas}
    assert len(ports) == 2 and lost not in ports
    assert predict(environment.url).status_code == 200


def test_another_port_in_the_settings_moves_the_proxy(environment: ProcessEnvironment) -> None:
    environment.serving()
    old, new = environment.port, free_ports(1, {environment.port})[0]
    moved = ProcessEngine(settings(new), "production", environment.root)
    assert moved.up() == [f"the proxy listened on 127.0.0.1:{old}; it was moved to 127.0.0.1:{new}"]
    assert moved.status().url == f"http://127.0.0.1:{new}" and predict(moved.status().url).status_code == 200
    with pytest.raises(httpx.ConnectError):
        predict(environment.url)


@pytest.mark.slow
def test_two_projects_share_a_host(environment: ProcessEnvironment, tmp_path: Path) -> None:
    environment.serving(replicas=1)
    other = ProcessEnvironment(tmp_path)
    try:
        release = other.serving(replicas=1, latency=0.001)
        assert predict(other.url).headers["x-gateline-release"] == release.digest
        other.engine.down()
        assert predict(environment.url).status_code == 200
    finally:
        other.engine.down()
