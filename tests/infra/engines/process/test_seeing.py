"""What is really running, where nothing is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot
from infra.engines.contract import Replica, SlotStatus, hung_replicas
from infra.engines.process.pulse import Pulse
from infra.engines.process.record import Record, Seen
from infra.engines.process.seeing import running
from infra.haproxy.statistics import Server
from infra.host.alive import started
from tests.infra.engines.states import slot, state

DEAD = Seen(pid=0, born="", restarts=3)


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
def test_the_url_can_be_called(host: str, url: str) -> None:
    assert running(state().model_copy(update={"host": host}), Record(), Pulse(Path("none"))).url == url


def test_what_is_down_is_said_and_not_raised() -> None:
    record = Record(supervisor=DEAD, proxy=DEAD, replicas={"s": DEAD})
    found = running(state(stable=slot("s", share=1.0)), record, Pulse(Path("none")))
    assert not found.proxy_alive and not found.supervised
    [replica] = found.slots[Slot.STABLE].replicas
    assert not replica.alive and replica.restarts == 3 and found.slots[Slot.STABLE].share == 0.0


def test_what_lives_and_answers_nothing_hangs(tmp_path: Path) -> None:
    """This process stands for all of them: it has no socket of a proxy's, and gives no pulse."""
    me = Seen(pid=os.getpid(), born=started(os.getpid()))
    record = Record(supervisor=me, proxy=me, replicas={"s": me})
    found = running(state(stable=slot("s", share=1.0)), record, Pulse(tmp_path / "none"))
    assert found.hung == ("proxy", "supervisor") and not found.proxy_alive and not found.supervised


@pytest.mark.parametrize(
    ("up", "timed_out", "told"), [(False, True, ["replica s of stable"]), (True, True, []), (False, False, [])]
)
def test_a_replica_that_the_proxy_got_no_answer_from_hangs(up: bool, timed_out: bool, told: list[str]) -> None:
    replica = Replica("s", "127.0.0.1:1", alive=True)
    stable = SlotStatus(Slot.STABLE, slot("s").release, 1.0, (replica, replace(replica, name="ended", alive=False)))
    server = Server("s", up, up, 256, 0, 0.0, 0.0, "", timed_out=timed_out)
    assert hung_replicas({Slot.STABLE: stable}, {"s": server, "ended": replace(server, name="ended")}) == told
