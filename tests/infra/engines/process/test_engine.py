"""The engine from the outside: real processes, a real proxy."""

from __future__ import annotations

import httpx
import psutil
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.host.processes import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, gone, predict


def test_a_release_serves_from_its_bundle(steady: ProcessEnvironment) -> None:
    release = steady.stable
    answer = predict(steady.url)
    assert answer.status_code == 200 and answer.headers["x-gateline-release"] == release.digest
    status = steady.engine.status().slots[Slot.STABLE]
    assert status.share == 1.0 and [replica.alive for replica in status.replicas] == [True, True]
    pids = [seen.pid for seen in steady.record.replicas.values()]
    assert {psutil.Process(pid).cwd() for pid in pids} == {str(steady.place.bundle(release.digest))}


def test_a_replica_sees_only_allowed_variables(environment: ProcessEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_AUDIT_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://127.0.0.1:1/0")
    environment.serving()
    address = environment.engine.status().slots[Slot.STABLE].replicas[0].address
    variables = httpx.get(f"http://{address}/health/ready").json()["variables"]
    assert "secret" not in variables.values()
    assert variables["GATELINE_REDIS_URL"] == "redis://127.0.0.1:1/0"
    assert variables["GATELINE_LOG_DIR"] == str(environment.place.predictions)
    supervisor = environment.record.supervisor
    assert supervisor and "GATELINE_AUDIT_KEY" not in psutil.Process(supervisor.pid).environ()


def test_stop_ends_the_processes_and_forgets_the_slot(steady: ProcessEnvironment) -> None:
    steady.canary()
    names = [replica.name for replica in steady.engine.status().slots[Slot.CANARY].replicas]
    pids = [steady.record.replicas[name].pid for name in names]
    steady.engine.stop(Slot.CANARY)
    assert wait_until(lambda: all(gone(pid) for pid in pids), 30)
    assert set(steady.engine.status().slots) == {Slot.STABLE}
    steady.engine.stop(Slot.CANARY)


@pytest.mark.slow
def test_a_replica_that_ignores_sigterm_is_killed(environment: ProcessEnvironment) -> None:
    environment.engine.up()
    release = environment.fetched(stubborn=True, drain_seconds=0.5)
    environment.engine.start(Slot.STABLE, release, 1)
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    pid = next(iter(environment.record.replicas.values())).pid
    environment.engine.stop(Slot.STABLE)
    assert not gone(pid) and environment.engine.status().slots == {}
    assert wait_until(lambda: gone(pid), 30)


def test_a_damaged_state_is_named_and_production_answers(steady: ProcessEnvironment) -> None:
    whole = steady.place.state.read_bytes()
    steady.place.state.write_bytes(whole[:50])
    try:
        with pytest.raises(OutsideError, match="state.json is damaged"):
            steady.engine.status()
        assert wait_until(lambda: "state.json is damaged" in steady.record.trouble, 30)
        assert predict(steady.url).status_code == 200
    finally:
        steady.place.state.write_bytes(whole)
    assert wait_until(lambda: steady.record.trouble == "", 30)
