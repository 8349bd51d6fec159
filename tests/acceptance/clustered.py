"""A scratch copy whose production runs in a namespace of the cluster that tests use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.project import Done, Project
from tests.cluster import Cluster
from tests.daemon import connected, on_docker


@dataclass(frozen=True)
class ClusterProject(Project):
    """A copy whose releases are pushed, and brought onto the nodes, which reach no registry."""

    cluster: Cluster

    @property
    def url(self) -> str:
        return str(self.status()["url"])

    def replica(self) -> str:
        pod, _, port = super().replica().removeprefix("http://").rpartition(":")
        namespace = f"--namespace={self.settings.environments['production'].kubernetes.namespace}"
        return f"http://{self.cluster.kubectl('get', 'pod', pod, namespace, '--output=jsonpath={.status.podIP}')}:{port}"

    def build(self) -> Done:
        done = self.invoke("build", "--push")
        if not done.code:
            self.cluster.load(self.image())
        return done


@contextmanager
def on_cluster(
    folder: Path, name: str, cluster: Cluster, registry: str, gateway: bool, changes: Mapping[str, Any] | None = None
) -> Iterator[ClusterProject]:
    """Yield a copy, behind the cluster's Gateway or with traffic shared by the number of pods; all of it is removed."""
    cluster.need(gateway=gateway)
    with (cluster.at_the_gateway if gateway else cluster.namespace)() as namespace:
        about: dict[str, Any] = {"engine": "kubernetes", "port": 80, "ready_seconds": 120.0}
        about |= {"kubernetes.namespace": namespace}
        about |= {"kubernetes.gateway": cluster.gateway, "kubernetes.url": cluster.gateway_url} if gateway else {}
        settings = {f"environments.production.{setting}": value for setting, value in about.items()}
        settings |= on_docker(connected()) | {"image.repository": f"{registry}/team/{name}"}
        project = ClusterProject(Project.copy(folder, name, settings | dict(changes or {})).path, cluster)
        try:
            yield project
        finally:
            project.stop()
