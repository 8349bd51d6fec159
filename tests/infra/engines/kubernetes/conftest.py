"""Whole environments in namespaces of a real cluster, always torn down; skipped by name where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateline.contracts.release import Image as BuiltImage
from gateline.contracts.release import Release
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Image, Settings
from infra.engines.kubernetes.engine import KubernetesEngine
from infra.engines.kubernetes.names import Names
from infra.host.docker import Docker
from infra.host.ports import free_ports
from infra.releases.image.building import Workshop, push
from tests.cluster import Cluster
from tests.daemon import on_docker
from tests.infra import bundles
from tests.infra.engines.docker.conftest import daemon, sites
from tests.infra.running_environment import RunningEnvironment
from tests.servers import image_registry

__all__ = ["daemon"]

READY_SECONDS = 90.0
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class KubernetesEnvironment(RunningEnvironment):
    """One environment in a namespace of its own, and what the tests do to it."""

    takes_turns = False

    def __init__(self, root: Path, client: Docker, cluster: Cluster, registry: str, namespace: str, **about: Any) -> None:
        """Choose names of its own; nothing is started. `about` are settings of the environment's cluster."""
        self.root, self.client, self.cluster, self.namespace = root, client, cluster, namespace
        self.port = 80
        self.name = f"t{free_ports(1, ())[0]}"
        (root / "requirements").symlink_to(Path(__file__).parents[4] / "requirements")
        (root / ".gateline").mkdir()
        (root / ".gateline" / "sites").symlink_to(sites())
        where = {"namespace": namespace, "memory_mb": 128, "leave_seconds": 2.0, **about}
        self.settings = Settings.model_validate(
            {
                "project": {"name": self.name},
                "data": {"target": "y"},
                "image": {
                    "base": on_docker(client).get("image.base", Image().base),
                    "repository": f"{registry}/team/{self.name}",
                },
                "registry": {"url": str(root / "registry")},
                "environments": {
                    "production": {
                        "port": self.port, "replicas": 2, "engine": "kubernetes", "ready_seconds": READY_SECONDS,
                        "kubernetes": where,
                    }
                },
            }
        )  # fmt: skip
        self.names, self.where = Names(self.name, "production"), self.settings.environments["production"].kubernetes
        self.engine: KubernetesEngine = KubernetesEngine(self.settings, "production", root)
        self.releases = Releases(Store.of(self.settings))
        self._made = 0
        self._others: list[KubernetesEngine] = []

    def built(self, version: str = "1", *, load: bool = True, **knobs: Any) -> Release:
        """Return a release that is in the registry with its image, which was pushed and, with `load`, is on the node."""
        self._made += 1
        release, archive = bundles.packed(self.root / f"bundle-{self._made}", version, project=self.name, **knobs)
        self.releases.add(release, archive)
        image = self.pushed(release)
        if load:
            self.cluster.load(image)
        return release

    def pushed(self, release: Release) -> BuiltImage:
        """Return the image of a release, built and pushed."""
        workshop = Workshop.of(self.settings, self.client, "", self.root)
        image = push(self.client, self.settings, workshop.image_of(release, self.releases, print), print)
        self.releases.add_image(image)
        return image

    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that the engine can start."""
        release = self.built(version, **knobs)
        self.engine.fetch(release, self.releases.archive(release.digest))
        return release

    def another(self) -> KubernetesEngine:
        """Return another engine object of this environment."""
        self._others.append(KubernetesEngine(self.settings, "production", self.root))
        return self._others[-1]

    def pids(self, replica: str) -> list[int]:
        """Return the processes of a pod's containers, where its node is this machine."""
        uid = self.cluster.kubectl("get", "pod", replica, "-n", self.namespace, "-o", "jsonpath={.metadata.uid}")
        return [pid for pid, words in processes_of(uid) if not words.startswith("/pause")]

    @property
    def url(self) -> str:
        """Where callers reach it from this machine: through the Gateway, or at the address of the Service."""
        return self.engine.status().url

    def remove(self) -> None:
        """Give the ways to the cluster back; everything else goes with the namespace."""
        for engine in (self.engine, *self._others):
            engine.close()


def processes_of(uid: str) -> Iterator[tuple[int, str]]:
    """Yield the processes of a pod on this machine, with their command lines."""
    names = (f"pod{uid}", f"pod{uid.replace('-', '_')}")
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if any(name in path.read_text() for name in names):
                yield int(path.parent.name), (path.parent / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue


@contextmanager
def started(
    root: Path, client: Docker, cluster: Cluster, registry: str, gateway: bool = False, **about: Any
) -> Iterator[KubernetesEnvironment]:
    """Yield an environment that is down, behind the cluster's Gateway if asked for, and remove it.

    With a `hostname` it leaves the Gateway's other names to another environment.
    """
    cluster.need(gateway=gateway)
    host = about.get("hostname", "")
    url = cluster.gateway_url.replace(urlsplit(cluster.gateway_url).hostname or "", host) if host else cluster.gateway_url
    routed = {"gateway": cluster.gateway, "url": url} if gateway else {}
    with ExitStack() as stack:
        namespace = stack.enter_context(cluster.at_the_gateway(RESTRICTED, host) if gateway else cluster.namespace(RESTRICTED))
        environment = KubernetesEnvironment(root, client, cluster, registry, namespace, **{**routed, **about})
        stack.callback(environment.remove)
        yield environment


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of images on loopback."""
    with image_registry(tmp_path_factory.mktemp("images")) as address:
        yield address


@pytest.fixture(scope="module", params=[False, True], ids=["pods", "gateway"])
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, daemon: Docker, cluster: Cluster, registry: str
) -> Iterator[KubernetesEnvironment]:
    """An environment whose stable slot serves, for the tests of one module: without a Gateway, and behind one."""
    with started(tmp_path_factory.mktemp("standing"), daemon, cluster, registry, request.param) as environment:
        environment.serving(replicas=2)
        yield environment


@pytest.fixture
def steady(standing: KubernetesEnvironment) -> Iterator[KubernetesEnvironment]:
    """The environment that stands, for a test that changes nothing but shares and canary."""
    yield standing
    standing.leave_stable_alone()


@pytest.fixture
def environment(tmp_path: Path, daemon: Docker, cluster: Cluster, registry: str) -> Iterator[KubernetesEnvironment]:
    """An environment that is down."""
    with started(tmp_path, daemon, cluster, registry) as environment:
        yield environment
