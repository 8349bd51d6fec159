"""The same canaries and kills with containers, and a daemon that is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engines.docker.labels import Names
from infra.host.docker import Docker
from infra.host.processes import wait_until
from tests.acceptance.project import ROOT, Project
# Tests run in the order of their imports: drift first, while nothing else was sent to production. isort: off
from tests.acceptance.test_drift import test_drift_of_columns_and_of_performance

# isort: on
from tests.acceptance.test_canaries import (
    hooks,
    test_exchanged_classes_are_rolled_back,
    test_five_percent_errors_are_rolled_back,
    test_no_traffic_is_held_then_resumed_and_promoted,
    test_one_and_a_half_times_slower_is_rolled_back,
)
from tests.acceptance.test_kills import (
    no_registry,
    test_a_killed_controller_leaves_all_traffic_on_stable,
    test_ctrl_c_and_sigterm_hold_the_canary,
    test_rollback_needs_no_registry,
)
from tests.daemon import on_docker, remove
from tests.infra.engines.docker.conftest import daemon

pytestmark = pytest.mark.live

__all__ = [
    "daemon",
    "hooks",
    "no_registry",
    "test_ctrl_c_and_sigterm_hold_the_canary",
    "test_drift_of_columns_and_of_performance",
    "test_exchanged_classes_are_rolled_back",
    "test_a_killed_controller_leaves_all_traffic_on_stable",
    "test_five_percent_errors_are_rolled_back",
    "test_one_and_a_half_times_slower_is_rolled_back",
    "test_no_traffic_is_held_then_resumed_and_promoted",
    "test_rollback_needs_no_registry",
]
ENVIRONMENTS = ("staging", "production")
OURS = Path(tempfile.gettempdir()) / "gateline-dockerd.pid"
"""Written by `.ci/docker` where it started the daemon."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, daemon: Docker) -> Iterator[Project]:
    """A copy whose environments are on the daemon, with a first release serving in production."""
    copy = Project.copy(tmp_path_factory.mktemp("docker"), "docked", on_docker(daemon, *ENVIRONMENTS))
    try:
        copy.release()
        done = copy.invoke("deploy", "--env=production")
        assert done.code == 0, done.output
        yield copy
    finally:
        remove(daemon, "docked", *ENVIRONMENTS)


def test_a_killed_container_loses_nothing(project: Project, daemon: Docker) -> None:
    replica = project.status()["slots"]["stable"]["replicas"][0]
    container = daemon.containers.get(Names("docked", "production").replica(replica["name"]))
    with project.traffic() as traffic:
        traffic.wait_for(100)
        os.kill(container.attrs["State"]["Pid"], signal.SIGKILL)
        traffic.wait_for(300)
    assert not traffic.lost
    assert project.status()["slots"]["stable"]["replicas"][0]["restarts"] >= 1


def test_a_daemon_that_is_started_again_brings_production_back(project: Project) -> None:
    if not OURS.exists():
        pytest.skip("no Docker engine of our own that could be started again")
    before = project.status()["slots"]
    os.kill(int(OURS.read_text()), signal.SIGTERM)
    assert wait_until(lambda: not Path("/var/run/docker.pid").exists(), 30)
    begun = time.monotonic()
    subprocess.run(["bash", str(ROOT / ".ci" / "docker")], check=True, stdout=subprocess.DEVNULL)
    with project.traffic(rate=20) as traffic:
        assert wait_until(lambda: traffic.answered > 20, 30)
    assert time.monotonic() - begun < 30
    shares = {name: slot["share"] for name, slot in project.status()["slots"].items()}
    assert shares == {name: slot["share"] for name, slot in before.items()}
