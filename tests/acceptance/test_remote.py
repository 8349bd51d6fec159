"""Production on another machine: its daemon is reached through ssh, its images come from a registry by digest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.docker.client import Docker
from infra.scratch import copy_project
from tests.acceptance.project import ROOT, Done, Project
from tests.daemon import on_docker, remove
from tests.infra.docker.conftest import daemon
from tests.servers import image_registry, ssh_server

__all__ = ["daemon"]
NAME = "far"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, daemon: Docker) -> Iterator[Project]:
    """A project whose production is elsewhere, with a pushed release that no daemon holds any more."""
    folder = tmp_path_factory.mktemp(NAME)
    with ssh_server(folder) as (machine, path), image_registry(folder) as registry:
        elsewhere = {"environments.production.docker.host": machine, "environments.production.local": False}
        changes = on_docker(daemon, "production") | elsewhere | {"image.repository": f"{registry}/team/{NAME}"}
        project, before = Project.copy(folder, NAME, changes), os.environ["PATH"]
        os.environ["PATH"] = path
        try:
            published(project, daemon)
            yield project
        finally:
            os.environ["PATH"] = before
            remove(daemon, NAME, "production")


def published(project: Project, daemon: Docker) -> str:
    """Train, judge, build and push; forget the image here. Return the release's digest."""
    digest = project.release()
    pushed = project.invoke("build", "--push")
    assert pushed.code == 0 and f"/team/{NAME}@sha256:" in pushed.output, pushed.output
    for image in daemon.images.list(filters={"label": f"gateline.release={digest}"}):
        daemon.images.remove(str(image.id), force=True)
    assert not daemon.images.list(filters={"label": f"gateline.release={digest}"})
    return digest


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
        colleague = Project(copy_project(ROOT, tmp_path / "a colleague's", NAME))
        (colleague.path / "pipeline.toml").write_bytes((far.path / "pipeline.toml").read_bytes())
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


def test_what_a_restarted_machine_runs_is_what_it_ran(far: Project, daemon: Docker) -> None:
    before = far.status()["slots"]
    for container in daemon.containers.list(filters={"label": f"gateline.project={NAME}"}):
        container.kill()
    done = far.invoke("up", "--env=production", "--from-laptop")
    assert done.code == 0, done.output
    assert far.status()["slots"].keys() == before.keys()
    answer = httpx.post(f"http://127.0.0.1:{far.port}/predict", json={"features": far.row()}, trust_env=False)
    assert answer.status_code == 200
