"""The disk is full: what died is started again, and traffic can be moved, as long as the reserve lasts."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.contracts.files import reserve
from gateline.contracts.slots import Slot
from infra.host.processes import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, kill, predict

pytestmark = pytest.mark.slow


@pytest.fixture
def full(environment: ProcessEnvironment) -> Iterator[ProcessEnvironment]:
    """An environment that serves, with a canary and a reserve, on a disk of its own that is then filled."""
    environment.place.folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(environment.place.folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk of its own needs leave to mount one")
    try:
        environment.serving()
        environment.canary()
        reserve(environment.place.folder)
        fill(environment.place.folder / "filler")
        yield environment
    finally:
        (environment.place.folder / "filler").unlink(missing_ok=True)
        environment.engine.down()
        subprocess.run(["umount", "-l", str(environment.place.folder)], check=False)


def fill(path: Path) -> None:
    """Write until nothing more goes in."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as stream:
        while stream.write(b"x" * 512):
            pass


def test_a_replica_and_a_proxy_that_died_are_started_again(full: ProcessEnvironment) -> None:
    name, seen = next(iter(full.record.replicas.items()))
    kill(seen)
    assert wait_until(lambda: full.record.replicas[name].child() is not None, 30)
    kill(full.record.proxy)
    assert wait_until(lambda: full.record.proxied, 30)
    full.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert predict(full.url).status_code == 200


def test_traffic_is_moved_and_slots_are_stopped_while_more_and_more_is_written(full: ProcessEnvironment) -> None:
    canary = full.engine.status().release_in(Slot.CANARY)
    for shares in ({Slot.CANARY: 1.0}, {Slot.STABLE: 1.0}, {Slot.CANARY: 1.0}):
        full.engine.set_shares(shares)
        fill(full.place.folder / "filler-2")
    assert canary is not None and predict(full.url).headers["x-gateline-release"] == canary.digest
    full.engine.stop(Slot.STABLE)
    full.engine.notes.write("spool/1", "{}")
    assert full.engine.notes.read("spool/1") == "{}"
    (full.place.folder / "filler-2").unlink(missing_ok=True)


def test_a_supervisor_that_died_is_started_again(full: ProcessEnvironment) -> None:
    kill(full.record.supervisor)
    full.engine.set_shares({Slot.CANARY: 1.0})
    assert full.engine.status().supervised
