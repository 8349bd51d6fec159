"""What is really running, where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.slots import Slot
from infra.process.pulse import Pulse
from infra.process.record import Record, Seen
from infra.process.seeing import running
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
