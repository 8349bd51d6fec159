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
from gateline.settings.errors import UsageError
from infra.drift.window import Window
from infra.engines.docker.engine import DockerEngine
from infra.host.processes import wait_until
from infra.rollout.recorder import Recorder
from infra.rollout.target import recorder_of
from tests.infra.engines.docker.conftest import READY_SECONDS, DockerEnvironment
from tests.traffic import Traffic

pytestmark = pytest.mark.slow


def test_a_replica_is_hardened_and_named(steady: DockerEnvironment) -> None:
    [replica, _] = steady.engine.status().slots[Slot.STABLE].replicas
    about = steady.container(replica.name).attrs
    limits, labels = about["HostConfig"], about["Config"]["Labels"]
    assert limits["ReadonlyRootfs"] and limits["CapDrop"] == ["ALL"] and limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["Memory"] == 512 * 2**20 and limits["PidsLimit"] == 256 and not limits["PortBindings"]
    assert about["Config"]["User"] == "65532:65532" and labels["gateline.slot"] == "stable"
    stable = steady.engine.status().release_in(Slot.STABLE)
    assert stable is not None and labels["gateline.release"] == stable.digest


def test_any_colleague_reads_the_same_from_the_daemon(steady: DockerEnvironment) -> None:
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


def test_one_command_at_a_time_from_any_machine(steady: DockerEnvironment, tmp_path: Path) -> None:
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
        assert wait_until(lambda: not other.claim("another's"), 30), "it ends with its process"
        assert steady.engine.claim("a third one's") == "another's"
        other.unclaim()
        assert wait_until(lambda: not steady.engine.claim("a third one's"), 30)
    finally:
        process.kill()
        process.communicate()
        steady.engine.unclaim()
        other.close()


def test_what_a_command_wrote_down_is_read_by_every_colleague(steady: DockerEnvironment) -> None:
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


def test_logs_and_predictions_are_read_by_every_colleague(steady: DockerEnvironment, tmp_path: Path) -> None:
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


def recorder(environment: DockerEnvironment, engine: DockerEngine, root: Path) -> Recorder:
    return recorder_of(environment.settings, "production", root, AuditLog(Store.of(environment.settings)), engine.notes)


def test_events_that_wait_and_the_kept_head_are_seen_by_every_colleague(steady: DockerEnvironment, tmp_path: Path) -> None:
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


def test_the_window_of_drift_is_closed_for_every_colleague(steady: DockerEnvironment, tmp_path: Path) -> None:
    other = DockerEngine(steady.settings, "production", tmp_path)
    seen = {"1": LiveCounts(rows=10, since="10:00", until="11:00")}
    try:
        Window(steady.engine.notes, "r").close(seen)
        later = {"1": LiveCounts(rows=14, since="10:00", until="13:00")}
        assert Window(other.notes, "r").since_last(later).rows == 4
    finally:
        other.close()


def test_what_is_not_there_is_refused(steady: DockerEnvironment) -> None:
    unknown = steady.built("9").model_copy(update={"digest": "f" * 64})
    with pytest.raises(UsageError, match="has no image on the daemon of production"):
        steady.engine.start(Slot.CANARY, unknown, 1)
    with pytest.raises(UsageError, match="has no image for linux/"):
        steady.engine.fetch(unknown, b"")
    with pytest.raises(UsageError, match="slot canary of production is empty"):
        steady.engine.metrics(Slot.CANARY)


def test_a_killed_proxy_is_started_again_as_it_was(environment: DockerEnvironment) -> None:
    environment.serving()
    canary = environment.canary()
    environment.engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    shares = {slot: status.share for slot, status in environment.engine.status().slots.items()}
    environment.client.containers.get(environment.names.proxy).kill()
    [repair] = environment.engine.up()
    assert repair == "the proxy was exited and is started again"
    assert wait_until(lambda: {s: one.share for s, one in environment.engine.status().slots.items()} == shares, 30)
    with Traffic(environment.url) as traffic:
        traffic.wait_for(200)
    assert traffic.releases[canary.digest] > 20


@pytest.mark.parametrize(
    ("hang", "said"), [("pause", "was paused; it goes on"), ("stop", "answered nothing; it was replaced")]
)
def test_up_brings_back_a_proxy_that_hangs(environment: DockerEnvironment, hang: str, said: str) -> None:
    release = environment.serving()
    proxy = environment.client.containers.get(environment.names.proxy)
    if hang == "pause":
        proxy.pause()
    else:
        for row in proxy.top()["Processes"]:
            os.kill(int(row[1]), signal.SIGSTOP)
    found = environment.engine.up()
    proxy.reload()
    faster = not found and proxy.attrs["RestartCount"] == 1
    assert found == [f"the proxy {said}"] or faster, "on a busy machine its health check may be faster"
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert httpx.post(f"{environment.url}/predict", content=b"{}", timeout=5).headers["x-gateline-release"] == release.digest


def test_what_hangs_is_ended_and_started_again_without_a_command(environment: DockerEnvironment) -> None:
    environment.serving()
    [replica, _] = environment.engine.status().slots[Slot.STABLE].replicas
    hung = [environment.container(replica.name), environment.client.containers.get(environment.names.proxy)]
    before = [container.attrs["State"]["StartedAt"] for container in hung]
    time.sleep(11)  # the first check of each comes after its interval
    for container in hung:
        for row in container.top()["Processes"]:
            os.kill(int(row[1]), signal.SIGSTOP)
    for container, started, seconds in zip(reversed(hung), reversed(before), (30, 60), strict=True):
        assert wait_until(lambda: container.reload() or container.attrs["State"]["StartedAt"] != started, seconds)
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    with Traffic(environment.url) as traffic:
        traffic.wait_for(100)
    assert not traffic.lost and [one.restarts for one in environment.engine.status().slots[Slot.STABLE].replicas] == [1, 0]


def test_a_replica_that_was_paused_goes_on(environment: DockerEnvironment) -> None:
    environment.serving()
    replica = environment.engine.status().slots[Slot.STABLE].replicas[0]
    environment.container(replica.name).pause()
    assert environment.engine.up() == [f"replica {replica.name} in slot stable was paused and is started again"]
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)


def test_the_last_images_stay(environment: DockerEnvironment) -> None:
    first, second = environment.serving(), environment.fetched("2")
    assert [release.digest for release in environment.engine.kept()] == [first.digest, second.digest]
    environment.engine.remember([second.digest])
    assert environment.engine.history() == [second.digest] and len(environment.engine.kept()) == 2, "the last five images stay"


def test_what_is_removed_does_not_come_back(environment: DockerEnvironment) -> None:
    environment.serving()
    label = f"gateline.project={environment.name}"
    environment.engine.remove()
    assert not environment.client.containers.list(all=True, filters={"label": label})
    assert not environment.client.volumes.list(filters={"name": environment.names.prefix})
    assert not [one for one in environment.client.networks.list() if one.name == environment.names.prefix]
    assert not environment.client.images.list(filters={"label": label})
    assert not environment.engine.status().slots
    recorder(environment, environment.engine, environment.root).record("x", "removed", {})
    assert not environment.client.containers.list(all=True, filters={"label": label}), "its head is kept on this machine then"
    assert recorder(environment, environment.engine, environment.root).kept_head() is not None
    environment.engine.remove()


def test_what_runs_is_changed_and_stopped_though_its_base_is_gone(environment: DockerEnvironment) -> None:
    environment.serving(replicas=2)
    image = environment.settings.image.model_copy(update={"base": "no-such-base:here"})
    later = DockerEngine(environment.settings.model_copy(update={"image": image}), "production", environment.root)
    try:
        later.set_shares({Slot.STABLE: 1.0})
        assert later.up() == []
        later.down()
        assert not any(replica.alive for status in later.status().slots.values() for replica in status.replicas)
    finally:
        later.close()
