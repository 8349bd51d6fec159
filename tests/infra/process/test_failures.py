"""Whatever dies: production answers, and the next command repairs or reports."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from contracts.slots import Slot
from infra.process import ports
from infra.process.readiness import wait_until
from infra.process.record import Seen
from settings.errors import GateRefused, OutsideError
from tests.infra.process.conftest import READY_SECONDS, House
from tests.infra.traffic import Traffic


def kill(seen: Seen | None) -> None:
    assert seen is not None
    os.kill(seen.pid, signal.SIGKILL)
    assert wait_until(lambda: seen.child() is None, 5)


def test_a_killed_replica_is_replaced_and_no_request_is_lost(house: House) -> None:
    house.serving(replicas=2, latency=0.005)
    name, killed = next(iter(house.record.replicas.items()))
    with Traffic(house.url) as traffic:
        traffic.wait_for(100)
        kill(killed)
        assert wait_until(lambda: house.record.replicas[name].child() is not None, 10)
        house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        traffic.wait_for(200)
    assert not traffic.lost
    replicas = {replica.name: replica for replica in house.engine.status().slots[Slot.STABLE].replicas}
    assert replicas[name].alive and replicas[name].restarts == 1
    assert sum(replica.restarts for replica in replicas.values()) == 1


def test_metrics_only_grow_when_replicas_or_the_proxy_are_restarted(house: House) -> None:
    house.serving(replicas=2)
    names = list(house.record.replicas)
    with Traffic(house.url) as traffic:
        traffic.wait_for(100)
        looks = [house.engine.metrics(Slot.STABLE)]
        for victim in (house.record.replicas[names[0]], house.record.replicas[names[1]], house.record.proxy):
            kill(victim)
            looks += [house.engine.metrics(Slot.STABLE) for _ in range(5)] if victim != house.record.proxy else []
            assert wait_until(
                lambda: house.record.proxied and not [r for r in house.record.replicas.values() if not r.child()], 10
            )
            house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
            traffic.wait_for(100)
            looks.append(house.engine.metrics(Slot.STABLE))
    for earlier, later in zip(looks, looks[1:], strict=False):
        assert later.requests >= earlier.requests and later.proxied >= earlier.proxied
        assert later.latency_sum >= earlier.latency_sum and later.predictions["1"] >= earlier.predictions["1"]
    assert looks[-1].requests >= 350


def test_a_slot_of_which_nothing_answers_has_no_metrics(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", crash="no"), 1)
    with pytest.raises(OutsideError, match="gives no metrics"):
        steady.engine.metrics(Slot.CANARY)
    assert steady.engine.metrics(Slot.STABLE).releases == {steady.stable.digest}


def test_requests_in_flight_at_a_killed_replica_are_answered_by_another(house: House) -> None:
    house.serving(replicas=2, latency=0.3)
    with Traffic(house.url, threads=8) as traffic:
        traffic.wait_for(8)
        kill(next(iter(house.record.replicas.values())))
        traffic.wait_for(16)
    assert not traffic.lost


def test_a_successor_that_is_not_ready_yet_gets_no_request(house: House) -> None:
    """Without word of the death, the proxy would think well of the port until its next two checks."""
    house.serving(replicas=2, ready_after=1.0)
    with Traffic(house.url, threads=2) as traffic:
        traffic.wait_for(50)
        kill(next(iter(house.record.replicas.values())))
        time.sleep(0.6)
        status = house.engine.status().slots[Slot.STABLE]
        house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert not traffic.lost and status.share == 1.0


def test_a_killed_proxy_answers_again_within_two_seconds(house: House) -> None:
    release = house.serving()
    canary = house.canary()
    house.engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    before = house.record.proxy
    with Traffic(house.url) as traffic:
        traffic.wait_for(50)
        died = time.monotonic()
        kill(before)
        assert wait_until(lambda: house.record.proxy != before, 5)
        traffic.wait_for(400)
    assert traffic.lost, "a killed proxy drops what it held"
    assert max(when for when, _ in traffic.lost) - died < 2.0
    status = house.engine.status()
    assert status.proxy_alive and status.slots[Slot.CANARY].share == pytest.approx(0.25)
    assert set(traffic.releases) == {release.digest, canary.digest}


def test_without_a_supervisor_everything_goes_on_and_up_restores_it(house: House) -> None:
    house.serving()
    before = house.record
    with Traffic(house.url) as traffic:
        kill(before.supervisor)
        traffic.wait_for(100)
        assert not house.engine.status().supervised
        assert house.engine.up() == ["the supervisor had ended; it was started again"]
        traffic.wait_for(100)
    assert not traffic.lost and house.engine.status().supervised
    assert house.record.proxy == before.proxy and house.record.replicas == before.replicas
    assert house.engine.up() == []


def test_a_change_starts_a_missing_supervisor_itself(house: House) -> None:
    release = house.serving()
    canary = house.canary()
    kill(house.record.supervisor)
    house.engine.set_shares({Slot.CANARY: 1.0})
    answer = httpx.post(f"{house.url}/predict", content=b"{}")
    assert answer.headers["x-gateline-release"] == canary.digest != release.digest


def test_up_says_what_died_with_the_supervisor(house: House) -> None:
    release = house.serving()
    record = house.record
    kill(record.supervisor)
    kill(record.proxy)
    kill(next(iter(record.replicas.values())))
    assert house.engine.up() == [
        "the supervisor had ended; it was started again",
        "the proxy had ended; it was started again",
        "1 of 2 processes of slot stable had ended; started again",
    ]
    house.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert httpx.post(f"{house.url}/predict", content=b"{}").headers["x-gateline-release"] == release.digest


def test_down_works_without_a_supervisor(house: House) -> None:
    house.serving()
    record = house.record
    kill(record.supervisor)
    house.engine.down()
    assert not [seen for seen in record.everything if seen.child()]


def test_what_a_stopped_slot_left_is_ended_by_the_next_supervisor(house: House) -> None:
    house.serving()
    house.canary(latency=0.5, drain_seconds=5.0)
    name = house.engine.status().slots[Slot.CANARY].replicas[0].name
    canary = house.record.replicas[name]
    supervisor = house.record.supervisor
    assert supervisor
    os.kill(supervisor.pid, signal.SIGSTOP)
    house.place.state.write_text(house.state.with_slot(Slot.CANARY, None).model_dump_json())
    kill(supervisor)
    house.engine.up()
    assert wait_until(lambda: canary.child() is None, 10)


def test_a_removed_project_folder_is_made_anew_by_up(house: House) -> None:
    house.serving()
    record = house.record
    assert record.supervisor
    shutil.rmtree(house.root / ".gateline")
    assert wait_until(lambda: record.supervisor is not None and record.supervisor.child() is None, 10)
    assert httpx.post(f"{house.url}/predict", content=b"{}").status_code == 200
    assert house.engine.up() == []
    assert not [seen for seen in record.everything if seen.child()]
    assert house.engine.status().slots == {}


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


def test_a_crash_on_start_is_told_at_once_with_the_last_lines(steady: House) -> None:
    crashing = steady.fetched("2", crash="no such model: flights")
    steady.engine.start(Slot.CANARY, crashing, 1)
    begun = time.monotonic()
    with pytest.raises(OutsideError, match=r"(?s)2\+.* in slot canary of production ended.*no such model: flights"):
        steady.engine.wait_ready(Slot.CANARY, 60)
    assert time.monotonic() - begun < 20
    steady.engine.stop(Slot.CANARY)
    assert httpx.post(f"{steady.url}/predict", content=b"{}").status_code == 200


def test_a_crash_loop_slows_down(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched(crash="no"), 1)
    time.sleep(2.0)
    assert 1 <= steady.engine.status().slots[Slot.CANARY].replicas[0].restarts <= 5


def test_never_ready_is_told_with_what_the_service_answers(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", never_ready=True), 1)
    with pytest.raises(OutsideError, match=r"was not ready within 1\.5 s: .*/health/ready answers 503"):
        steady.engine.wait_ready(Slot.CANARY, 1.5)


def test_another_release_on_the_port_is_refused(steady: House) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", release="e" * 64), 1)
    with pytest.raises(GateRefused, match=r"^digest: http://127\.0\.0\.1:\d+/health/ready is release eeeeeeeeeeee"):
        steady.engine.wait_ready(Slot.CANARY, READY_SECONDS)


def test_a_proxy_that_cannot_listen_is_told_with_the_reason(house: House) -> None:
    house.serving()
    supervisor = house.record.supervisor
    assert supervisor
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        kill(house.record.proxy)
        assert wait_until(lambda: ports.is_free("127.0.0.1", house.port), 5)
        thief = HTTPServer(("127.0.0.1", house.port), BaseHTTPRequestHandler)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    with thief:
        with pytest.raises(OutsideError, match=f"port {house.port} of production is taken by process {os.getpid()}"):
            house.engine.up()
        assert wait_until(lambda: "cannot bind socket" in house.record.trouble, 10), house.record
        assert not house.engine.status().proxy_alive
    assert wait_until(lambda: house.engine.status().proxy_alive, 10)
    assert house.record.supervisor == supervisor
