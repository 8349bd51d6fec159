"""Up and down, and what is in the way."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError, UsageError
from infra.engines.process.engine import ProcessEngine
from infra.host.ports import free_ports
from tests.infra.engines.process.conftest import House, gone, predict, settings


def test_nothing_runs_before_up(house: House) -> None:
    running = house.engine.status()
    assert not running.proxy_alive and not running.supervised and not running.slots
    assert not house.place.folder.exists()


def test_up_is_repeatable_and_answers_503_while_empty(house: House) -> None:
    assert house.engine.up() == []
    before = house.record
    assert house.engine.up() == []
    assert house.record.supervisor == before.supervisor and house.record.proxy == before.proxy
    assert predict(house.url).status_code == 503


@pytest.mark.slow
def test_down_stops_everything_and_up_brings_it_back(house: House) -> None:
    release = house.serving()
    house.engine.remember(["a", release.digest])
    pids = [seen.pid for seen in house.record.everything]
    house.engine.down()
    running = house.engine.status()
    assert not house.state.runtime.exists()
    assert all(gone(pid) for pid in pids)
    assert not running.proxy_alive and not running.supervised and running.release_in(Slot.STABLE) == release
    assert running.slots[Slot.STABLE].share == 0.0 and not running.slots[Slot.STABLE].replicas[0].alive
    house.engine.down()
    assert house.engine.up() == []
    assert predict(house.url).headers["x-gateline-release"] == release.digest
    assert house.engine.history() == ["a", release.digest]


@pytest.mark.slow
def test_what_is_removed_does_not_come_back(house: House) -> None:
    house.serving()
    pids = [seen.pid for seen in house.record.everything]
    house.engine.remove()
    assert all(gone(pid) for pid in pids)
    assert not house.place.state.exists() and not house.place.logs.exists()
    assert not house.engine.status().slots
    house.engine.remove()
    house.engine.up()
    assert predict(house.url).status_code == 503 and not house.engine.history()


@pytest.mark.slow
def test_a_change_is_refused_while_down(house: House) -> None:
    house.serving()
    house.engine.down()
    with pytest.raises(UsageError, match=r"production is down\n  next: invoke up --env=production"):
        house.engine.set_shares({Slot.STABLE: 1.0})


def test_a_taken_port_names_port_and_holder(house: House) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", house.port))
        other.listen()
        with pytest.raises(OutsideError, match=rf"port {house.port} of production is taken by process {os.getpid()}"):
            house.engine.up()
        assert house.record.supervisor is None
    assert house.engine.up() == []


@pytest.mark.slow
def test_a_replicas_port_that_was_lost_while_down_is_replaced(house: House) -> None:
    house.serving(replicas=2)
    house.engine.down()
    lost = house.state.slots[Slot.STABLE].replicas[0].port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", lost))
        other.listen()
        house.engine.up()
    ports = {replica.port for replica in house.state.slots[Slot.STABLE].replicas}
    assert len(ports) == 2 and lost not in ports
    assert predict(house.url).status_code == 200


def test_another_port_in_the_settings_moves_the_proxy(house: House) -> None:
    house.serving()
    old, new = house.port, free_ports(1, {house.port})[0]
    moved = ProcessEngine(settings(new), "production", house.root)
    assert moved.up() == [f"the proxy listened on 127.0.0.1:{old}; it was moved to 127.0.0.1:{new}"]
    assert moved.status().url == f"http://127.0.0.1:{new}" and predict(moved.status().url).status_code == 200
    with pytest.raises(httpx.ConnectError):
        predict(house.url)


@pytest.mark.slow
def test_two_projects_share_a_host(house: House, tmp_path: Path) -> None:
    house.serving(replicas=1)
    other = House(tmp_path)
    try:
        release = other.serving(replicas=1, latency=0.001)
        assert predict(other.url).headers["x-gateline-release"] == release.digest
        other.engine.down()
        assert predict(house.url).status_code == 200
    finally:
        other.engine.down()
