"""The docker engine from the outside: real containers, a real proxy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from gateline.contracts.reference import LiveCounts
from gateline.contracts.slots import Slot
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from gateline.settings.errors import OutsideError, UsageError
from infra.drift.window import Window
from infra.engines.docker.engine import DockerEngine
from infra.engines.readiness import wait_until
from infra.rollout.heartbeat import Heartbeat
from infra.rollout.recorder import Recorder
from infra.rollout.target import recorder_of
from tests.infra.engines.docker.conftest import READY_SECONDS, Harbour
from tests.traffic import Traffic

pytestmark = pytest.mark.slow


def test_a_release_serves_from_its_image(steady: Harbour) -> None:
    release = steady.engine.status().release_in(Slot.STABLE)
    answer = httpx.post(f"{steady.url}/predict", content=b"{}")
    assert release is not None and answer.headers["x-gateline-release"] == release.digest
    status = steady.engine.status().slots[Slot.STABLE]
    assert status.share == 1.0 and [replica.alive for replica in status.replicas] == [True, True]


def test_a_replica_is_hardened_and_named(steady: Harbour) -> None:
    [replica, _] = steady.engine.status().slots[Slot.STABLE].replicas
    about = steady.container(replica.name).attrs
    limits, labels = about["HostConfig"], about["Config"]["Labels"]
    assert limits["ReadonlyRootfs"] and limits["CapDrop"] == ["ALL"] and limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["Memory"] == 512 * 2**20 and limits["PidsLimit"] == 256 and not limits["PortBindings"]
    assert about["Config"]["User"] == "65532:65532" and labels["gateline.slot"] == "stable"
    stable = steady.engine.status().release_in(Slot.STABLE)
    assert stable is not None and labels["gateline.release"] == stable.digest


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_share_is_exact(steady: Harbour, keep_alive: bool) -> None:
    canary = steady.canary()
    steady.engine.set_shares({Slot.STABLE: 0.9, Slot.CANARY: 0.1})
    with Traffic(steady.url, keep_alive=keep_alive) as traffic:
        traffic.wait_for(1000)
    assert not traffic.lost and len(traffic.releases) == 2
    assert abs(traffic.releases[canary.digest] - traffic.answered / 10) <= 3, traffic.releases


def test_a_slot_is_measured_from_its_own_replicas_and_the_proxy(steady: Harbour) -> None:
    canary = steady.canary(error_every=2)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    with Traffic(steady.url, threads=1) as traffic:
        traffic.wait_for(50)
    seen = steady.engine.metrics(Slot.CANARY)
    assert seen.releases == {canary.digest} and seen.restarts == 0
    assert seen.errors == seen.proxy_errors == len(traffic.lost) > 0


def test_any_colleague_reads_the_same_from_the_daemon(steady: Harbour) -> None:
    other = DockerEngine(steady.settings, "production", steady.root / "elsewhere")
    try:
        assert other.status() == steady.engine.status() and other.history() == steady.engine.history()
        stable = other.status().release_in(Slot.STABLE)
        assert stable is not None and (other.bundle(stable) / "release.json").exists(), "taken out of the image"
    finally:
        other.close()


SETTINGS = """
[project]
name = "{name}"
[data]
target = "y"
[environments.production]
port = {port}
replicas = 2
engine = "docker"
"""
CLAIM = """
import sys, time
from pathlib import Path
from infra.engines.docker.engine import DockerEngine
from gateline.settings import load
engine = DockerEngine(load(sys.argv[1], {}), "production", Path(sys.argv[2]))
print(repr(engine.claim("mine")), flush=True)
time.sleep(60)
"""


def test_one_command_at_a_time_from_whatever_machine(steady: Harbour, tmp_path: Path) -> None:
    other = DockerEngine(steady.settings, "production", tmp_path)
    settings = tmp_path / "pipeline.toml"
    settings.write_text(SETTINGS.format(name=steady.name, port=steady.port))
    argv = [sys.executable, "-c", CLAIM, str(settings), str(tmp_path)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "''\n"
        assert other.claim("another's") == "mine" == steady.engine.claim("a third one's")
        assert not other.claim("a rollback", rollback=True), "it waits for no canary"
        assert steady.engine.claim("one more", rollback=True) == "a rollback"
        process.kill()
        process.wait()
        assert wait_until(lambda: not other.claim("another's"), 5), "it ends with its process"
        assert steady.engine.claim("a third one's") == "another's"
        other.unclaim()
        assert wait_until(lambda: not steady.engine.claim("a third one's"), 5)
    finally:
        process.kill()
        process.communicate()
        steady.engine.unclaim()
        other.close()


def test_what_a_command_wrote_down_is_read_by_every_colleague(steady: Harbour) -> None:
    other = DockerEngine(steady.settings, "production", steady.root)
    try:
        steady.engine.notes.write("rollout", "one")
        steady.engine.notes.write("rollout", "two")
        assert other.notes.read("rollout") == "two" and other.notes.read("quarantine") is None
        assert "label gateline.state" in other.notes.where("rollout")
        other.notes.remove("rollout")
        other.notes.remove("rollout")
        assert steady.engine.notes.read("rollout") is None
    finally:
        other.close()


def test_logs_and_predictions_are_read_by_every_colleague(steady: Harbour, tmp_path: Path) -> None:
    lines = [f"line {number} {'1' * 60}" for number in range(3000)]
    write = (
        "with open('/var/lib/predictions/predictions-2026-01-02.jsonl', 'w') as log:\n"
        "    print(*(f\"line {number} {'1' * 60}\" for number in range(3000)), sep='\\n', file=log)\n"
        "    print('cut', end='', file=log)"
    )
    first, second = steady.engine.status().slots[Slot.STABLE].replicas
    assert steady.container(first.name).exec_run(["python3", "-c", write]).exit_code == 0
    other = DockerEngine(steady.settings, "production", tmp_path)
    try:
        assert [line.rstrip("\n") for line in other.predictions()] == [*lines, "cut"]
        logs = other.logs(3)
        names = {steady.names.proxy, steady.names.replica(first.name), steady.names.replica(second.name)}
        assert set(logs) >= names and all(len(text.splitlines()) <= 3 for text in logs.values())
    finally:
        other.close()


def recorder(harbour: Harbour, engine: DockerEngine, root: Path) -> Recorder:
    return recorder_of(harbour.settings, "production", root, AuditLog(Store.of(harbour.settings)), engine.notes)


def test_events_that_wait_and_the_kept_head_are_seen_by_every_colleague(steady: Harbour, tmp_path: Path) -> None:
    other = DockerEngine(steady.settings, "production", tmp_path)
    audit = steady.root / "registry" / steady.name / "audit"
    try:
        here, there = (recorder(steady, *pair) for pair in ((steady.engine, steady.root), (other, tmp_path)))
        for number in range(3):
            here.record("x", str(number), {})
        assert there.kept_head() == here.log.head() and there.waiting() == 0
        audit.rename(audit.with_name("away"))
        here.record("x", "3", {})
        there.record("x", "4", {})
        assert there.waiting() == here.waiting() == 2 and not audit.exists() and "it has 0 events" in there.broken()
        audit.with_name("away").rename(audit)
        recorder(steady, other, tmp_path).record("x", "5", {})
        assert [event.subject for event in here.log.events()] == ["0", "1", "2", "3", "4", "5"]
        assert here.waiting() == 0 and here.broken() == "" and here.log.verify(there.heads()) == []
    finally:
        other.close()


def test_the_window_of_drift_is_closed_for_every_colleague(steady: Harbour, tmp_path: Path) -> None:
    other = DockerEngine(steady.settings, "production", tmp_path)
    seen = {"1": LiveCounts(rows=10, since="10:00", until="11:00")}
    try:
        Window(steady.engine.notes, "r").close(seen)
        later = {"1": LiveCounts(rows=14, since="10:00", until="13:00")}
        assert Window(other.notes, "r").since_last(later).rows == 4
    finally:
        other.close()


def test_what_is_not_there_is_refused(steady: Harbour) -> None:
    unknown = steady.built("9").model_copy(update={"digest": "f" * 64})
    with pytest.raises(UsageError, match="has no image on the daemon of production"):
        steady.engine.start(Slot.CANARY, unknown, 1)
    with pytest.raises(UsageError, match="has no image for linux/"):
        steady.engine.fetch(unknown, b"")
    with pytest.raises(UsageError, match="slot canary of production is empty"):
        steady.engine.metrics(Slot.CANARY)


def test_a_release_that_ends_is_reported_with_its_last_lines(steady: Harbour) -> None:
    release = steady.fetched("3", crash="no such model")
    steady.engine.start(Slot.CANARY, release, 1)
    with pytest.raises(OutsideError, match="(?s)ended instead of getting ready.*no such model"):
        steady.engine.wait_ready(Slot.CANARY, READY_SECONDS)


def test_without_a_heartbeat_the_canary_is_out_within_two_seconds(steady: Harbour) -> None:
    steady.canary()
    with Heartbeat(steady.engine.beat) as heartbeat:
        steady.engine.guard(Slot.CANARY, True)
        steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
        heartbeat.beat()
        assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].share == pytest.approx(0.5), 5)
        died = time.monotonic()
        heartbeat._last = 0.0
    assert wait_until(lambda: steady.engine.status().slots[Slot.CANARY].share == 0.0, 5)
    assert time.monotonic() - died < 2.5


def test_a_killed_replica_is_started_again_and_no_request_is_lost(harbour: Harbour) -> None:
    harbour.serving()
    [first, _] = harbour.engine.status().slots[Slot.STABLE].replicas
    with Traffic(harbour.url) as traffic:
        traffic.wait_for(100)
        os.kill(harbour.container(first.name).attrs["State"]["Pid"], signal.SIGKILL)
        traffic.wait_for(300)
    assert not traffic.lost
    assert wait_until(
        lambda: [one.restarts for one in harbour.engine.status().slots[Slot.STABLE].replicas] == [1, 0], 10
    )


def test_a_killed_proxy_is_started_again_as_it_was(harbour: Harbour) -> None:
    harbour.serving()
    canary = harbour.canary()
    harbour.engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    shares = {slot: status.share for slot, status in harbour.engine.status().slots.items()}
    harbour.client.containers.get(harbour.names.proxy).kill()
    [repair] = harbour.engine.up()
    assert repair == "the proxy was exited and is started again"
    assert wait_until(lambda: {s: one.share for s, one in harbour.engine.status().slots.items()} == shares, 5)
    with Traffic(harbour.url) as traffic:
        traffic.wait_for(200)
    assert traffic.releases[canary.digest] > 20


@pytest.mark.parametrize(
    ("hang", "said"), [("pause", "was paused; it goes on"), ("stop", "answered nothing; it was replaced")]
)
def test_up_brings_back_a_proxy_that_hangs(harbour: Harbour, hang: str, said: str) -> None:
    release = harbour.serving()
    proxy = harbour.client.containers.get(harbour.names.proxy)
    if hang == "pause":
        proxy.pause()
    else:
        for row in proxy.top()["Processes"]:
            os.kill(int(row[1]), signal.SIGSTOP)
    found = harbour.engine.up()
    proxy.reload()
    faster = not found and proxy.attrs["RestartCount"] == 1
    assert found == [f"the proxy {said}"] or faster, "on a busy machine its health check may be faster"
    harbour.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert httpx.post(f"{harbour.url}/predict", content=b"{}", timeout=5).headers["x-gateline-release"] == release.digest


def test_up_starts_a_replica_that_hangs_again(harbour: Harbour) -> None:
    harbour.serving()
    [replica, _] = harbour.engine.status().slots[Slot.STABLE].replicas
    for row in harbour.container(replica.name).top()["Processes"]:
        os.kill(int(row[1]), signal.SIGSTOP)
    assert wait_until(lambda: replica.name in " ".join(harbour.engine.status().hung), 20)
    assert harbour.engine.up() == [f"replica {replica.name} answered nothing; it was started again"]
    harbour.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert harbour.engine.up() == [] and not harbour.engine.status().hung


def test_what_hangs_is_ended_and_started_again_without_a_command(harbour: Harbour) -> None:
    harbour.serving()
    [replica, _] = harbour.engine.status().slots[Slot.STABLE].replicas
    hung = [harbour.container(replica.name), harbour.client.containers.get(harbour.names.proxy)]
    before = [container.attrs["State"]["StartedAt"] for container in hung]
    time.sleep(11)  # the first check of each comes after its interval
    for container in hung:
        for row in container.top()["Processes"]:
            os.kill(int(row[1]), signal.SIGSTOP)
    for container, started, seconds in zip(reversed(hung), reversed(before), (30, 60), strict=True):
        assert wait_until(lambda: container.reload() or container.attrs["State"]["StartedAt"] != started, seconds)
    harbour.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    with Traffic(harbour.url) as traffic:
        traffic.wait_for(100)
    assert not traffic.lost and [one.restarts for one in harbour.engine.status().slots[Slot.STABLE].replicas] == [1, 0]


def test_a_replica_that_was_paused_goes_on(harbour: Harbour) -> None:
    harbour.serving()
    replica = harbour.engine.status().slots[Slot.STABLE].replicas[0]
    harbour.container(replica.name).pause()
    assert harbour.engine.up() == [f"replica {replica.name} in slot stable was paused and is started again"]
    harbour.engine.wait_ready(Slot.STABLE, READY_SECONDS)


def test_a_slot_moves_drains_and_stops_without_a_lost_request(harbour: Harbour) -> None:
    first = harbour.serving()
    second = harbour.canary()
    with Traffic(harbour.url) as traffic:
        traffic.wait_for(50)
        harbour.engine.set_shares({Slot.CANARY: 1.0})
        harbour.engine.move(Slot.STABLE, Slot.PREVIOUS)
        harbour.engine.move(Slot.CANARY, Slot.STABLE)
        traffic.wait_for(50)
        harbour.engine.stop(Slot.PREVIOUS)
        traffic.wait_for(50)
    assert not traffic.lost and set(traffic.releases) == {first.digest, second.digest}
    assert set(harbour.engine.status().slots) == {Slot.STABLE}
    assert [release.digest for release in harbour.engine.kept()] == [first.digest, second.digest]
    harbour.engine.remember([second.digest])
    assert harbour.engine.history() == [second.digest] and len(harbour.engine.kept()) == 2, "the last five images stay"


def test_down_and_up_bring_back_what_ran(harbour: Harbour) -> None:
    release = harbour.serving()
    harbour.engine.down()
    assert not harbour.engine.status().proxy_alive
    with pytest.raises(UsageError, match="production is down"):
        harbour.engine.set_shares({Slot.STABLE: 1.0})
    assert harbour.engine.up() == []
    assert httpx.post(f"{harbour.url}/predict", content=b"{}").headers["x-gateline-release"] == release.digest


def test_what_is_removed_does_not_come_back(harbour: Harbour) -> None:
    harbour.serving()
    label = f"gateline.project={harbour.name}"
    harbour.engine.remove()
    assert not harbour.client.containers.list(all=True, filters={"label": label})
    assert not harbour.client.volumes.list(filters={"name": harbour.names.prefix})
    assert not [one for one in harbour.client.networks.list() if one.name == harbour.names.prefix]
    assert not harbour.client.images.list(filters={"label": label})
    assert not harbour.engine.status().slots
    recorder(harbour, harbour.engine, harbour.root).record("x", "removed", {})
    assert not harbour.client.containers.list(all=True, filters={"label": label}), "its head is kept on this machine then"
    assert recorder(harbour, harbour.engine, harbour.root).kept_head() is not None
    harbour.engine.remove()


def test_what_runs_is_changed_and_stopped_though_its_base_is_gone(harbour: Harbour) -> None:
    harbour.serving(replicas=2)
    image = harbour.settings.image.model_copy(update={"base": "no-such-base:here"})
    later = DockerEngine(harbour.settings.model_copy(update={"image": image}), "production", harbour.root)
    try:
        later.set_shares({Slot.STABLE: 1.0})
        assert later.up() == []
        later.down()
        assert not any(replica.alive for status in later.status().slots.values() for replica in status.replicas)
    finally:
        later.close()
