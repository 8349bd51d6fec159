"""Whole environments in a temporary folder, always torn down."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gateline.contracts.release import Release
from gateline.contracts.slots import State
from gateline.settings import Settings
from infra.engines.process.engine import ProcessEngine
from infra.engines.process.record import Record, Seen, StateFile, read_record
from infra.host.layout import Layout
from infra.host.ports import free_ports
from infra.host.processes import wait_until
from tests.infra import bundles
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment

__all__ = ["READY_SECONDS"]


def settings(port: int, name: str = "tiny", **production: Any) -> Settings:
    """Return settings with one environment, `production`, on this port."""
    return Settings.model_validate(
        {
            "project": {"name": name},
            "data": {"target": "y"},
            "environments": {"production": {"port": port, "replicas": 2, "ready_seconds": READY_SECONDS} | production},
        }
    )


class ProcessEnvironment(RunningEnvironment):
    """One environment and what the tests do to it."""

    def __init__(self, root: Path) -> None:
        """Choose a free port; nothing is started."""
        self.root = root
        self.port = free_ports(1, ())[0]
        self.engine: ProcessEngine = ProcessEngine(settings(self.port), "production", root)
        self.place = Layout(root.resolve() / ".gateline", "tiny", "production")
        self._made = 0

    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that is on the host."""
        self._made += 1
        release, archive = bundles.packed(self.root / f"bundle-{self._made}", version, **knobs)
        self.engine.fetch(release, archive)
        return release

    def another(self) -> ProcessEngine:
        """Return another engine object of this environment."""
        return ProcessEngine(settings(self.port), "production", self.root)

    def pids(self, replica: str) -> list[int]:
        """Return the process that a replica is."""
        return [self.record.replicas[replica].pid]

    @property
    def state(self) -> State:
        """What should run."""
        state = StateFile(self.place.state).read()
        assert state is not None
        return state

    @property
    def record(self) -> Record:
        """What the supervisor says that runs."""
        return read_record(self.place.record)


def built(parent: Path, environments: Path) -> ProcessEnvironment:
    """Return an environment in a folder whose name holds a space."""
    root = parent / "a project"
    (root / ".gateline").mkdir(parents=True)
    (root / ".gateline" / "envs").symlink_to(environments)
    return ProcessEnvironment(root)


def predict(url: str) -> httpx.Response:
    """Send one request."""
    return httpx.post(f"{url}/predict", content=b"{}", timeout=5)


def kill(seen: Seen | None) -> None:
    """Kill a process, and return when it is dead."""
    assert seen is not None
    os.kill(seen.pid, signal.SIGKILL)
    assert wait_until(lambda: seen.child() is None, 30)


def gone(pid: int) -> bool:
    """Say whether a process has ended; its parent may not have noticed yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of Python environments that all tests use."""
    return tmp_path_factory.mktemp("envs")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[ProcessEnvironment]:
    """Yield an environment whose stable slot serves, for the tests of one module."""
    environment = built(tmp_path_factory.mktemp("standing"), environments)
    try:
        environment.serving(replicas=2)
        yield environment
    finally:
        environment.engine.down()


@pytest.fixture
def steady(standing: ProcessEnvironment) -> Iterator[ProcessEnvironment]:
    """Yield the environment that stands, for a test that changes nothing but shares and canary."""
    yield standing
    standing.leave_stable_alone()


@pytest.fixture
def environment(tmp_path: Path, environments: Path) -> Iterator[ProcessEnvironment]:
    """Yield an environment that is down."""
    environment = built(tmp_path, environments)
    try:
        yield environment
    finally:
        environment.engine.down()
