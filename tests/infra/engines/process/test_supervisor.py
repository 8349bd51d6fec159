"""Whatever dies: production answers, and the next command repairs or reports."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.process import starting
from infra.host import ports
from infra.host.processes import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, kill, predict
from tests.traffic import Traffic


@pytest.mark.slow
def test_a_release_that_was_changed_is_not_started_again(environment: ProcessEnvironment) -> None:
    release = environment.serving(replicas=2)
    path = environment.place.bundle(release.digest) / "service" / "knobs.json"
    path.chmod(0o644)
    path.write_text('{"changed": true}')
    name, killed = next(iter(environment.record.replicas.items()))
    kill(killed)
    log = environment.place.log("supervisor")
    assert wait_until(lambda: f"replica {name} cannot be started: digest: the files of 1+" in log.read_text(), 30)
    assert predict(environment.url).status_code == 200
    assert [replica.alive for replica in environment.engine.status().slots[Slot.STABLE].replicas] == [False, True]
    path.write_text("{}")
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)


@pytest.mark.slow
def test_a_supervisor_of_an_earlier_version_is_replaced_by_up_and_its_children_go_on(environment: ProcessEnvironment) -> None:
    environment.serving()
    before = environment.record
    kill(before.supervisor)
    command = starting.supervisor(environment.place, os.environ)
    subprocess.run([*command.argv[:-1]], cwd=command.folder, timeout=20, check=True)
    assert wait_until(lambda: environment.record.supervised and environment.record.supervisor != before.supervisor, 30)
    with Traffic(environment.url) as traffic:
        assert environment.engine.up() == ["the supervisor was of an earlier version; it was replaced"]
        traffic.wait_for(50)
    assert not traffic.lost and environment.engine.up() == []
    assert environment.record.proxy == before.proxy and environment.record.replicas == before.replicas


@pytest.mark.slow
def test_requests_in_flight_at_a_killed_replica_are_answered_by_another(environment: ProcessEnvironment) -> None:
    environment.serving(replicas=2, latency=0.3)
    with Traffic(environment.url, threads=8) as traffic:
        traffic.wait_for(8)
        kill(next(iter(environment.record.replicas.values())))
        traffic.wait_for(16)
    assert not traffic.lost


@pytest.mark.slow
def test_a_successor_that_is_not_ready_yet_gets_no_request(environment: ProcessEnvironment) -> None:
    """Without word of the death, the proxy would think well of the port until its next two checks."""
    environment.serving(replicas=2, ready_after=1.0)
    with Traffic(environment.url, threads=2) as traffic:
        traffic.wait_for(50)
        kill(next(iter(environment.record.replicas.values())))
        time.sleep(0.6)
        status = environment.engine.status().slots[Slot.STABLE]
        environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert not traffic.lost and status.share == 1.0


@pytest.mark.slow
def test_a_killed_proxy_answers_again_within_two_seconds(environment: ProcessEnvironment) -> None:
    release = environment.serving()
    canary = environment.canary()
    environment.engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    before = environment.record.proxy
    with Traffic(environment.url) as traffic:
        traffic.wait_for(50)
        died = time.monotonic()
        kill(before)
        assert wait_until(lambda: environment.record.proxy != before, 30)
        traffic.wait_for(400)
    assert traffic.lost, "a killed proxy drops what it held"
    assert max(loss.seconds for loss in traffic.lost) - died < 2.0
    status = environment.engine.status()
    assert status.proxy_alive and status.slots[Slot.CANARY].share == pytest.approx(0.25)
    assert set(traffic.releases) == {release.digest, canary.digest}


@pytest.mark.slow
def test_without_a_supervisor_everything_goes_on_and_up_restores_it(environment: ProcessEnvironment) -> None:
    environment.serving()
    before = environment.record
    with Traffic(environment.url) as traffic:
        kill(before.supervisor)
        traffic.wait_for(100)
        assert not environment.engine.status().supervised
        assert environment.engine.up() == ["the supervisor had ended; it was started again"]
        traffic.wait_for(100)
    assert not traffic.lost and environment.engine.status().supervised
    assert environment.record.proxy == before.proxy and environment.record.replicas == before.replicas
    assert environment.engine.up() == []


@pytest.mark.slow
def test_a_change_starts_a_missing_supervisor_itself(environment: ProcessEnvironment) -> None:
    release = environment.serving()
    canary = environment.canary()
    kill(environment.record.supervisor)
    environment.engine.set_shares({Slot.CANARY: 1.0})
    answer = predict(environment.url)
    assert answer.headers["x-gateline-release"] == canary.digest != release.digest


@pytest.mark.slow
def test_up_says_what_died_with_the_supervisor(environment: ProcessEnvironment) -> None:
    release = environment.serving()
    record = environment.record
    kill(record.supervisor)
    kill(record.proxy)
    kill(next(iter(record.replicas.values())))
    assert environment.engine.up() == [
        "the supervisor had ended; it was started again",
        "the proxy had ended; it was started again",
        "1 of 2 processes of slot stable had ended; started again",
    ]
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert predict(environment.url).headers["x-gateline-release"] == release.digest


@pytest.mark.slow
def test_down_works_without_a_supervisor(environment: ProcessEnvironment) -> None:
    environment.serving()
    record = environment.record
    kill(record.supervisor)
    environment.engine.down()
    assert not [seen for seen in record.everything if seen.child()]


@pytest.mark.slow
def test_what_a_stopped_slot_left_is_ended_by_the_next_supervisor(environment: ProcessEnvironment) -> None:
    environment.serving()
    environment.canary(latency=0.5, drain_seconds=5.0)
    name = environment.engine.status().slots[Slot.CANARY].replicas[0].name
    canary = environment.record.replicas[name]
    supervisor = environment.record.supervisor
    assert supervisor
    os.kill(supervisor.pid, signal.SIGSTOP)
    environment.place.state.write_text(environment.state.with_slot(Slot.CANARY, None).model_dump_json())
    kill(supervisor)
    environment.engine.up()
    assert wait_until(lambda: canary.child() is None, 30)


@pytest.mark.slow
def test_a_crash_loop_slows_down(steady: ProcessEnvironment) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched(crash="no"), 1)
    time.sleep(2.0)
    assert 1 <= steady.engine.status().slots[Slot.CANARY].replicas[0].restarts <= 5


@pytest.mark.slow
def test_a_proxy_that_cannot_listen_is_told_with_the_reason(environment: ProcessEnvironment) -> None:
    environment.serving()
    supervisor = environment.record.supervisor
    assert supervisor
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        kill(environment.record.proxy)
        assert wait_until(lambda: ports.is_free("127.0.0.1", environment.port), 30)
        thief = HTTPServer(("127.0.0.1", environment.port), BaseHTTPRequestHandler)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    with thief:
        with pytest.raises(OutsideError, match=f"port {environment.port} of production is taken by process {os.getpid()}"):
            environment.engine.up()
        assert wait_until(lambda: "cannot bind socket" in environment.record.trouble, 30), environment.record
        assert not environment.engine.status().proxy_alive
    assert wait_until(lambda: environment.engine.status().proxy_alive, 30)
    assert environment.record.supervisor == supervisor


@pytest.mark.slow
def test_two_supervisors_do_not_run_at_once(steady: ProcessEnvironment) -> None:
    command = starting.supervisor(steady.place, os.environ)
    argv = [*command.argv, "--foreground"]
    done = subprocess.run(argv, cwd=command.folder, capture_output=True, text=True, timeout=20, check=True)
    assert "another supervisor is at work" in done.stdout
    assert predict(steady.url).status_code == 200
