"""Every engine by name, each with a whole environment that is always torn down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.release import Release
from gateline.settings.errors import OutsideError
from infra.engines import ENGINES, engine_for
from infra.engines.contract import Engine
from infra.host.ports import free_ports, is_free
from tests.daemon import connected
from tests.engines.fake.engine import FakeEngine
from tests.infra import bundles
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon
from tests.infra.engines.kubernetes.conftest import registry
from tests.infra.engines.kubernetes.conftest import started as on_a_cluster
from tests.infra.engines.process.conftest import built, settings
from tests.infra.running_environment import RunningEnvironment

__all__ = ["daemon", "registry"]

CLUSTERED = ("kubernetes", "gateway")
"""The kubernetes engine, with traffic shared by the number of pods, and by a Gateway's weights."""
FAKE = "tests.engines.fake.engine:FakeEngine"


class FakeEnvironment(RunningEnvironment):
    """An environment of the fake engine, which is one line of the dict of engines as the others are."""

    def __init__(self, root: Path) -> None:
        """Choose a port whose next one is free as well; nothing is started."""
        self.root, self._made = root, 0
        self.port = next(port for port in iter(lambda: free_ports(1, ())[0], None) if is_free("127.0.0.1", port + 1))
        self.engine: Engine = self.another()

    def another(self) -> Engine:
        """Return another engine object of this environment."""
        about = settings(self.port)
        where = about.environments["production"].model_copy(update={"engine": "fake"})
        return engine_for(about.model_copy(update={"environments": {"production": where}}), "production", self.root)

    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that is on the host."""
        self._made += 1
        release, archive = bundles.packed(self.root / f"bundle-{self._made}", version, **knobs)
        self.engine.fetch(release, archive)
        return release

    def pids(self, replica: str) -> list[int]:
        """Return the process that a replica is."""
        assert isinstance(self.engine, FakeEngine)
        return [self.engine._host.children[replica].pid]


@contextmanager
def started(kind: str, root: Path, request: pytest.FixtureRequest, **about: Any) -> Iterator[RunningEnvironment]:
    """Yield an environment of an engine that is down, and remove what it leaves. `about` are settings behind a Gateway."""
    if kind in CLUSTERED:
        client, cluster, registry = (request.getfixturevalue(name) for name in ("daemon", "cluster", "registry"))
        with on_a_cluster(root, client, cluster, registry, kind == "gateway", **(about if kind == "gateway" else {})) as pods:
            yield pods
        return
    if kind == "docker":
        try:
            client = connected()
        except OutsideError:
            pytest.skip("no Docker engine")
        containers = DockerEnvironment(root, client)
        try:
            yield containers
        finally:
            containers.remove()
            client.close()
        return
    envs = root / "envs"
    envs.mkdir()
    environment = built(root, envs) if kind == "process" else FakeEnvironment(root)
    try:
        yield environment
    finally:
        environment.engine.remove()


@pytest.fixture(
    scope="module",
    params=["fake", "process", *(pytest.param(name, marks=pytest.mark.slow) for name in ("docker", *CLUSTERED))],
)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an engine."""
    ENGINES["fake"] = FAKE
    yield request.param
    del ENGINES["fake"]


@pytest.fixture(scope="module")
def standing(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningEnvironment]:
    """An environment whose stable slot serves from two replicas, for the tests of one module."""
    with started(kind, tmp_path_factory.mktemp("standing"), request, hostname="localhost") as environment:
        environment.serving(replicas=2, log=True)
        yield environment


@pytest.fixture
def steady(standing: RunningEnvironment) -> Iterator[RunningEnvironment]:
    """The environment that stands, for a test that changes nothing but shares and canary."""
    yield standing
    standing.leave_stable_alone()


@pytest.fixture
def fresh(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningEnvironment]:
    """An environment that is down and was never up."""
    with started(kind, tmp_path, request) as environment:
        yield environment
