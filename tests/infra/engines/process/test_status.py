"""What is really running, where nothing is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot, State
from infra.engines.contract import Replica, Running, SlotStatus
from infra.engines.process.engine import ProcessEngine
from infra.engines.process.record import Record, Seen, StateFile, write_record
from infra.engines.proxied import hung_replicas
from infra.haproxy.control import Server
from infra.host.layout import Layout
from infra.host.processes import started
from tests.infra.engines.process.conftest import settings
from tests.infra.engines.states import slot, state

DEAD = Seen(pid=0, born="", restarts=3)


def running(root: Path, kept: State, record: Record) -> Running:
    """Return what an engine says of a state and a record that were left in a folder."""
    layout = Layout(root / ".gateline", "tiny", "production")
    StateFile(layout.state).change(kept, lambda before: before)
    write_record(layout.record, record)
    return ProcessEngine(settings(20_000), "production", root).status()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:20000"),
        ("0.0.0.0", "http://127.0.0.1:20000"),
        ("::1", "http://[::1]:20000"),
        ("::", "http://[::1]:20000"),
        ("example.org", "http://example.org:20000"),
    ],
)
def test_the_url_can_be_called(tmp_path: Path, host: str, url: str) -> None:
    assert running(tmp_path, state().model_copy(update={"host": host}), Record()).url == url


def test_what_is_down_is_said_and_not_raised(tmp_path: Path) -> None:
    record = Record(supervisor=DEAD, proxy=DEAD, replicas={"s": DEAD})
    found = running(tmp_path, state(stable=slot("s", share=1.0)), record)
    assert not found.proxy_alive and not found.supervised
    [replica] = found.slots[Slot.STABLE].replicas
    assert not replica.alive and replica.restarts == 3 and found.slots[Slot.STABLE].share == 0.0


def test_what_lives_and_answers_nothing_hangs(tmp_path: Path) -> None:
    """This process stands for all of them: it has no socket of a proxy's, and gives no pulse."""
    me = Seen(pid=os.getpid(), born=started(os.getpid()))
    record = Record(supervisor=me, proxy=me, replicas={"s": me})
    found = running(tmp_path, state(stable=slot("s", share=1.0)), record)
    assert found.hung == ("proxy", "supervisor") and not found.proxy_alive and not found.supervised


@pytest.mark.parametrize(
    ("up", "timed_out", "told"), [(False, True, ["replica s of stable"]), (True, True, []), (False, False, [])]
)
def test_a_replica_that_the_proxy_got_no_answer_from_hangs(up: bool, timed_out: bool, told: list[str]) -> None:
    replica = Replica("s", "127.0.0.1:1", alive=True)
    stable = SlotStatus(Slot.STABLE, slot("s").release, 1.0, (replica, replace(replica, name="ended", alive=False)))
    server = Server("s", up, up, 256, 0, 0.0, 0.0, "", timed_out=timed_out)
    assert hung_replicas({Slot.STABLE: stable}, {"s": server, "ended": replace(server, name="ended")}) == told
