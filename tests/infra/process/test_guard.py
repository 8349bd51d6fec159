"""A guarded slot hangs on a heartbeat."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from contracts.slots import Slot
from infra.process.readiness import wait_until
from tests.infra.process.conftest import House, kill
from tests.traffic import Traffic


class Heartbeat:
    """A heartbeat that can fall silent (503) or die (refused)."""

    def __init__(self) -> None:
        heartbeat = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(heartbeat.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.status = 200
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("death", ["refused", "silent"])
def test_without_a_heartbeat_the_canary_is_out_within_two_seconds(house: House, death: str) -> None:
    stable, canary = house.serving(), house.canary()
    heartbeat = Heartbeat()
    house.engine.guard(Slot.CANARY, heartbeat.port)
    house.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    with Traffic(house.url) as traffic:
        traffic.wait_for(100)
        assert traffic.releases[canary.digest] > 20
        died = time.monotonic()
        heartbeat.status = 503
        if death == "refused":
            heartbeat.die()
        assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == 0.0, 5)
        out = time.monotonic() - died
        before = traffic.releases[canary.digest]
        traffic.wait_for(300)
        still = traffic.releases[canary.digest] - before
    assert out < 2.0 and still <= 4 and not traffic.lost
    assert set(traffic.releases) == {stable.digest, canary.digest}
    [repair] = house.engine.up()
    assert repair.startswith(f"slot canary had lost its heartbeat on port {heartbeat.port}")
    house.engine.guard(Slot.CANARY, None)
    assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 5)
    if death == "silent":
        heartbeat.die()


@pytest.mark.slow
def test_a_guarded_slot_needs_its_own_health_too(steady: House) -> None:
    """The heartbeat goes on, the canary is started again and listens, but is not ready yet."""
    steady.canary(ready_after=1.0)
    heartbeat = Heartbeat()
    steady.engine.guard(Slot.CANARY, heartbeat.port)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    [replica] = steady.engine.status().slots[Slot.CANARY].replicas
    with Traffic(steady.url, threads=1) as traffic:
        kill(steady.record.replicas[replica.name])
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].replicas[0].alive, 5)
        time.sleep(0.6)
        assert steady.engine.status().slots[Slot.CANARY].share == 0.0
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 10)
    assert not traffic.lost
    heartbeat.die()


def test_a_guard_is_kept_when_the_proxy_is_restarted(house: House) -> None:
    house.serving()
    house.canary()
    heartbeat = Heartbeat()
    house.engine.guard(Slot.CANARY, heartbeat.port)
    house.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    before = house.record.proxy
    kill(before)
    assert wait_until(lambda: house.engine.status().proxy_alive and house.record.proxy != before, 5)
    heartbeat.die()
    assert wait_until(lambda: house.engine.status().slots[Slot.CANARY].share == 0.0, 2)
