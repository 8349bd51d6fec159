"""Production on another machine: its daemon is reached through ssh, its images come from a registry by digest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.host.docker import Docker
from infra.host.processes import wait_until
from template.scratch import copy_project
from tests.acceptance.project import ROOT, Done, Project
from tests.daemon import on_docker, remove
from tests.infra.engines.docker.conftest import daemon
from tests.servers import image_registry, login, ssh_server

pytestmark = pytest.mark.live

__all__ = ["daemon"]
NAME = "far"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, daemon: Docker) -> Iterator[Project]:
    """A project whose production is elsewhere, with a pushed release that no daemon holds any more."""
    folder = tmp_path_factory.mktemp(NAME)
    with ssh_server(folder) as (machine, path), image_registry(folder, private=True) as registry:
        elsewhere = {"environments.production.docker.host": machine, "environments.production.local": False}
        changes = on_docker(daemon, "production") | elsewhere | {"image.repository": f"{registry}/team/{NAME}"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", path)
            patch.setenv("DOCKER_CONFIG", str(folder))
            project = Project.copy(folder, NAME, changes)
            try:
                refused_without_login(project)
                login(folder, registry)
                published(project, daemon)
                yield project
            finally:
                remove(daemon, NAME, "production")


def refused_without_login(project: Project) -> None:
    """A push that the registry does not take says what to do."""
    project.release()
    done = project.invoke("build", "--push")
    assert done.code == 4 and "docker login" in done.output, done.output


def published(project: Project, daemon: Docker) -> str:
    """Train, judge, build and push; forget the image here. Return the release's digest."""
    digest = project.release()
    pushed = project.invoke("build", "--push")
    assert pushed.code == 0 and f"/team/{NAME}@sha256:" in pushed.output, pushed.output
    for image in daemon.images.list(filters={"label": f"gateline.release={digest}"}):
        daemon.images.remove(str(image.id), force=True)
    assert not daemon.images.list(filters={"label": f"gateline.release={digest}"})
    return digest


def colleague_of(project: Project, folder: Path) -> Project:
    """Return a colleague's checkout: the same settings, and nothing that a command of ours left."""
    found = Project(copy_project(ROOT, folder / "a colleague's", NAME))
    (found.path / "pipeline.toml").write_bytes((project.path / "pipeline.toml").read_bytes())
    return found


def deploy(project: Project, *more: str) -> Done:
    """Deploy to production from a laptop."""
    return project.invoke("deploy", "--env=production", "--from-laptop", *more)


def test_it_is_not_changed_from_a_laptop_by_accident(far: Project) -> None:
    done = far.invoke("deploy", "--env=production")
    assert done.code == 2 and "--from-laptop" in done.output, done.output


def test_deploy_and_rollback_as_on_this_machine(far: Project, daemon: Docker, tmp_path: Path) -> None:
    first = far.chosen()
    done = deploy(far)
    assert done.code == 0, done.output
    assert far.stable() == first
    far.change(model__seed=5)
    second = published(far, daemon)
    with far.traffic() as traffic:
        traffic.wait_for(100)
        done = deploy(far, "--skip-canary")
        assert done.code == 0 and far.stable() == second, done.output
        colleague = colleague_of(far, tmp_path)
        assert colleague.stable() == second
        begun = time.monotonic()
        done = colleague.invoke("rollback", "--env=production", "--from-laptop")
        seconds = time.monotonic() - begun
        assert done.code == 0, done.output
        traffic.wait_for(100)
    assert far.stable() == first and not traffic.lost and set(traffic.releases) == {first, second}
    print(f"a colleague's rollback through ssh took {seconds:.1f} s")
    refused = deploy(far, "--skip-canary")
    assert refused.code in (1, 2), refused.output


def test_a_held_canary_is_seen_and_discarded_by_a_colleague(far: Project, daemon: Docker, tmp_path: Path) -> None:
    stable = far.stable()
    far.change(model__seed=6)
    published(far, daemon)
    with far.traffic() as traffic:
        traffic.wait_for(100)
        held = far.invoke("canary", "--env=production", "--from-laptop", "--seconds=10")
        assert held.code == 3, held.output
        colleague = colleague_of(far, tmp_path)
        said = colleague.invoke("status", "--env=production")
        assert said.code == 0 and "a canary is held" in said.output, said.output
        done = colleague.invoke("rollback", "--env=production", "--from-laptop")
        assert done.code == 0, done.output
        traffic.wait_for(100)
    assert list(far.status()["slots"]) == ["stable"] and far.stable() == stable and not traffic.lost
    assert "a canary is held" not in far.invoke("status", "--env=production").output


def test_a_running_canary_is_taken_back_from_another_machine(far: Project, daemon: Docker, tmp_path: Path) -> None:
    stable, colleague = far.stable(), colleague_of(far, tmp_path)
    far.change(model__seed=7)
    published(far, daemon)
    with far.traffic() as traffic:
        traffic.wait_for(100)
        canary = far.start("canary", "--env=production", "--from-laptop", "--seconds=120")
        assert wait_until(lambda: far.status()["slots"].get("canary", {}).get("share", 0) > 0, 60)
        refused = colleague.invoke("promote", "--env=production", "--from-laptop", "--wait=0.5")
        assert refused.code == 4 and "`invoke canary` of" in refused.output, refused.output
        done = colleague.invoke("rollback", "--env=production", "--from-laptop")
        assert done.code == 0, done.output
        said, _ = canary.communicate(timeout=60)
        assert canary.returncode == 1 and "another command took" in said, said
        traffic.wait_for(100)
    assert list(far.status()["slots"]) == ["stable"] and far.stable() == stable and not traffic.lost


def test_what_a_restarted_machine_runs_is_what_it_ran(far: Project, daemon: Docker) -> None:
    before = far.status()["slots"]
    for container in daemon.containers.list(filters={"label": f"gateline.project={NAME}"}):
        container.kill()
    done = far.invoke("up", "--env=production", "--from-laptop")
    assert done.code == 0, done.output
    assert far.status()["slots"].keys() == before.keys()
    answer = httpx.post(f"http://127.0.0.1:{far.port}/predict", json={"features": far.row()}, trust_env=False)
    assert answer.status_code == 200
