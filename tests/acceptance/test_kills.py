"""Whatever is killed, production answers; the next command repairs, and says so."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.acceptance.project import Project
from tests.traffic import Traffic

pytestmark = pytest.mark.live


def processes(project: Project, word: str) -> list[psutil.Process]:
    """Return this project's own processes whose command line holds `word`."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = " ".join(process.info["cmdline"] or [])
        if word in line and (str(project.path) in line or str(project.path) in str(process.info["cwd"])):
            found.append(process)
    return found


def kill_one(project: Project, word: str) -> None:
    """SIGKILL one process."""
    victims = processes(project, word)
    assert victims, f"no process with {word!r}"
    victims[0].kill()


def settled(project: Project, seconds: float = 15.0) -> None:
    """Return when everything of production is alive again."""
    end = time.monotonic() + seconds
    while True:
        status = project.status()
        alive = all(replica["alive"] for slot in status["slots"].values() for replica in slot["replicas"])
        if status["proxy_alive"] and status["supervised"] and alive:
            return
        assert time.monotonic() < end, status
        time.sleep(0.2)


def test_a_killed_replica_loses_nothing(project: Project) -> None:
    with project.traffic() as traffic:
        traffic.wait_for(100)
        kill_one(project, "-m service")
        traffic.wait_for(300)
        settled(project)
        traffic.wait_for(100)
    assert not traffic.lost


def test_a_killed_proxy_is_back_within_two_seconds(project: Project) -> None:
    with project.traffic() as traffic:
        traffic.wait_for(100)
        kill_one(project, "haproxy")
        begun = time.monotonic()
        good = traffic.answered
        while traffic.answered < good + 20:
            assert time.monotonic() - begun < 2.0, traffic.lost[:5]
            time.sleep(0.01)
        settled(project)
        failed_then = len(traffic.lost)
        traffic.wait_for(200)
    assert len(traffic.lost) == failed_then, traffic.lost[-5:]


def test_a_killed_supervisor_is_restored_by_the_next_command(project: Project) -> None:
    with project.traffic() as traffic:
        traffic.wait_for(50)
        kill_one(project, "infra.engines.process.supervisor")
        traffic.wait_for(100)
        status = project.status()
        assert not status["supervised"] and any("invoke up" in line for line in status["warnings"])
        done = project.invoke("up", "--env=production")
        assert done.code == 0 and "repaired" in done.output
        settled(project)
        traffic.wait_for(50)
    assert not traffic.lost


def test_a_killed_controller_leaves_all_traffic_on_stable(project: Project) -> None:
    before = project.stable()
    project.change(model__parameters__max_iter=26)
    release = project.release()
    with project.traffic() as traffic:
        controller = project.start("canary", "--env=production", "--seconds=120")
        end = time.monotonic() + 60
        while traffic.releases[release] < 10:
            assert time.monotonic() < end and controller.poll() is None, controller.communicate()
            time.sleep(0.05)
        controller.kill()
        killed = time.monotonic()
        controller.communicate()
        traffic.wait_for(600)
        status = project.status()
        done = project.invoke("up", "--env=production")
    assert traffic.last[release] - killed < 2.0
    assert not traffic.lost
    assert status["rollout"]["kind"] == "canary"
    assert done.code == 0 and "died" in done.output and "held" in done.output
    assert project.stable() == before
    assert project.status()["slots"]["canary"]["share"] == 0.0
    discarded = project.invoke("rollback", "--env=production")
    assert discarded.code == 0 and "canary" not in project.status()["slots"]


@pytest.fixture()
def no_registry(project: Project) -> object:
    """The registry's folder moved away, a file in its place."""
    folder = project.path / ".gateline" / "registry"
    away = folder.with_name("registry-away")
    project.change(model__parameters__max_iter=27)
    project.release()
    done = project.invoke("deploy", "--env=production", "--skip-canary")
    assert done.code == 0, done.output
    folder.rename(away)
    folder.write_text("no folder")
    yield folder
    if away.exists():
        folder.unlink()
        away.rename(folder)


def test_rollback_needs_no_registry(project: Project, no_registry: Path) -> None:
    left = project.stable()
    with project.traffic() as traffic:
        traffic.wait_for(50)
        done = project.invoke("rollback", "--env=production")
        traffic.wait_for(50)
    assert done.code == 0, done.output
    assert project.stable() != left and not traffic.lost
    assert any("wait for the registry" in line for line in project.status()["warnings"])
    no_registry.unlink()
    no_registry.with_name("registry-away").rename(no_registry)
    assert project.invoke("up", "--env=production").code == 0
    audit = project.invoke("audit")
    assert audit.code == 0 and "rolled back" in audit.output
    champion = project.path / ".gateline/registry" / project.settings.project.name / "aliases/champion.json"
    assert project.status()["slots"]["stable"]["version"] in project.invoke("audit", "--trace=champion").output
    assert champion.exists()


def test_ctrl_c_and_sigterm_hold_the_canary(project: Project) -> None:
    project.change(model__parameters__max_iter=28)
    release = project.release()
    with project.traffic() as traffic:
        for number, flags in ((signal.SIGTERM, ()), (signal.SIGINT, ("--resume",))):
            said, code = interrupted(project, traffic, release, number, flags)
            assert "--resume" in said and code != 0
            assert project.status()["rollout"]["held"]
    assert not traffic.lost
    assert project.invoke("rollback", "--env=production").code == 0


def interrupted(
    project: Project, traffic: Traffic, release: str, number: signal.Signals, flags: tuple[str, ...]
) -> tuple[str, int]:
    """Send a signal to a canary's controller in the middle; return what it said and its exit code."""
    enough, end = traffic.releases[release] + 5, time.monotonic() + 60
    controller = project.start("canary", "--env=production", "--seconds=120", *flags)
    while traffic.releases[release] < enough:
        assert time.monotonic() < end and controller.poll() is None, controller.communicate()
        time.sleep(0.05)
    os.kill(controller.pid, number)
    return controller.communicate(timeout=30)[0], controller.returncode
