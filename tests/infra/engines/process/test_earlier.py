"""An environment that serves from an earlier version (files as commit 5aad27a wrote them) goes on with this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.slots import Slot
from infra.host import libraries
from infra.host.bundle import unpack
from infra.host.python_env import python_in
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, predict
from tests.traffic import Traffic

FILES = Path(__file__).parent / "made_at_5aad27a"


def served_before(environment: ProcessEnvironment) -> dict[str, Any]:
    """Lay out what an earlier version left on a machine that was started again: release 3 stable, 2 warm, 1 on the disk."""
    for archive in FILES.glob("*.tar.gz"):
        unpack(archive.read_bytes(), environment.place.bundle(archive.name.removesuffix(".tar.gz")))
    state: dict[str, Any] = json.loads((FILES / "state.json").read_text())
    python = python_in(environment.place.envs, environment.place.bundle(state["history"][0]) / "service.txt", "3.11")
    (python.parents[1] / libraries.STAMP).write_bytes(b"")
    for slot in state["slots"].values():
        slot["program"] = str(python)
    state |= {"port": environment.port, "runtime": str(environment.place.runtime())}
    environment.place.folder.mkdir(parents=True)
    environment.place.state.write_text(json.dumps(state))
    shutil.copy(FILES / "supervisor.json", environment.place.record)
    return state


@pytest.mark.slow
def test_it_serves_is_rolled_back_and_deployed_over(environment: ProcessEnvironment) -> None:
    three, two, one = reversed(served_before(environment)["history"])
    assert "the supervisor had ended; it was started again" in environment.engine.up()
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    environment.engine.wait_ready(Slot.PREVIOUS, READY_SECONDS)
    assert predict(environment.url).headers["x-gateline-release"] == three
    assert all(check.holds for slot in (Slot.STABLE, Slot.PREVIOUS) for check in environment.engine.evidence(slot))
    kept = {release.digest: release for release in environment.engine.kept()}
    assert kept.keys() == {one, two, three} and all(environment.engine.verify(release) for release in kept.values())
    with Traffic(environment.url) as traffic:
        traffic.wait_for(20)
        for digest in (two, one):
            environment.engine.start(Slot.PREVIOUS, kept[digest], 1)
            environment.engine.wait_ready(Slot.PREVIOUS, READY_SECONDS)
            environment.engine.set_shares({Slot.PREVIOUS: 1.0})
            environment.engine.stop(Slot.STABLE)
            environment.engine.move(Slot.PREVIOUS, Slot.STABLE)
            traffic.wait_for(20)
        four = environment.canary("4")
        environment.engine.set_shares({Slot.CANARY: 1.0})
        traffic.wait_for(20)
    assert not traffic.lost and set(traffic.releases) == {three, two, one, four.digest}
    stamp = Path(environment.state.slots[Slot.CANARY].program).parents[1] / libraries.STAMP
    assert stamp.read_bytes(), "the deploy has noted what is installed"
