"""Whole environments on a real Docker daemon, always torn down; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.release import Release
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Image, Settings
from gateline.settings.errors import OutsideError
from infra.engines.docker.engine import DockerEngine
from infra.engines.docker.labels import Names
from infra.host.docker import Docker
from infra.host.ports import free_ports
from infra.releases.image.building import Workshop
from tests.daemon import connected, on_docker, remove
from tests.infra import bundles
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment

__all__ = ["READY_SECONDS"]


@pytest.fixture(scope="session")
def daemon() -> Iterator[Docker]:
    """A real daemon."""
    try:
        client = connected()
    except OutsideError:
        pytest.skip("no Docker engine")
    yield client
    client.close()


class DockerEnvironment(RunningEnvironment):
    """One environment on the daemon, and what the tests do to it."""

    def __init__(self, root: Path, client: Docker) -> None:
        """Choose a free port and a name of its own; nothing is started."""
        self.root, self.client = root, client
        self.port = free_ports(1, ())[0]
        self.name = f"t{self.port}"
        (root / "requirements").symlink_to(Path(__file__).parents[4] / "requirements")
        (root / ".gateline").mkdir()
        (root / ".gateline" / "sites").symlink_to(sites())
        self.settings = Settings.model_validate(
            {
                "project": {"name": self.name},
                "data": {"target": "y"},
                "image": {"base": on_docker(client).get("image.base", Image().base)},
                "registry": {"url": str(root / "registry")},
                "environments": {
                    "production": {"port": self.port, "replicas": 2, "engine": "docker", "ready_seconds": READY_SECONDS}
                },
            }
        )
        self.names = Names(self.name, "production")
        self.engine: DockerEngine = DockerEngine(self.settings, "production", root)
        self.releases = Releases(Store.of(self.settings))
        self._made = 0
        self._others: list[DockerEngine] = []

    def built(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that has an image and is in the registry."""
        self._made += 1
        release, archive = bundles.packed(self.root / f"bundle-{self._made}", version, project=self.name, **knobs)
        self.releases.add(release, archive)
        Workshop.of(self.settings, self.client, "", self.root).image_of(release, self.releases, print)
        return release

    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that is on the daemon."""
        release = self.built(version, **knobs)
        self.engine.fetch(release, self.releases.archive(release.digest))
        return release

    def container(self, replica: str) -> Any:
        """Return a replica's container."""
        return self.client.containers.get(self.names.replica(replica))

    def another(self) -> DockerEngine:
        """Return another engine object of this environment."""
        self._others.append(DockerEngine(self.settings, "production", self.root))
        return self._others[-1]

    def pids(self, replica: str) -> list[int]:
        """Return the processes of a replica's container."""
        return [int(row[1]) for row in self.container(replica).top()["Processes"]]

    def remove(self) -> None:
        """Remove everything of this environment from the daemon."""
        for engine in (self.engine, *self._others):
            engine.close()
        remove(self.client, self.name, "production")


def sites() -> Path:
    """Return a folder of installed libraries that all tests use."""
    folder = Path(__file__).parents[4] / ".gateline" / "sites"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, daemon: Docker) -> Iterator[DockerEnvironment]:
    """An environment whose stable slot serves, for the tests of one module."""
    environment = DockerEnvironment(tmp_path_factory.mktemp("standing"), daemon)
    try:
        environment.serving(replicas=2)
        yield environment
    finally:
        environment.remove()


@pytest.fixture
def steady(standing: DockerEnvironment) -> Iterator[DockerEnvironment]:
    """The environment that stands, for a test that changes nothing but shares and canary."""
    yield standing
    standing.leave_stable_alone()


@pytest.fixture
def environment(tmp_path: Path, daemon: Docker) -> Iterator[DockerEnvironment]:
    """An environment that is down."""
    environment = DockerEnvironment(tmp_path, daemon)
    try:
        yield environment
    finally:
        environment.remove()
