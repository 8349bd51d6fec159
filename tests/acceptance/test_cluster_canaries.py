"""On a cluster, behind a Gateway and without one, a canary ends as it does on one machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.host.docker import Docker
from tests.acceptance.clustered import ClusterProject, on_cluster
from tests.acceptance.test_canaries import (
    hooks,
    test_exchanged_classes_are_rolled_back,
    test_five_percent_errors_are_rolled_back,
    test_no_traffic_is_held_then_resumed_and_promoted,
    test_one_and_a_half_times_slower_is_rolled_back,
)
from tests.cluster import Cluster
from tests.infra.engines.docker.conftest import daemon
from tests.infra.engines.kubernetes.conftest import registry

__all__ = [
    "daemon",
    "hooks",
    "registry",
    "test_exchanged_classes_are_rolled_back",
    "test_five_percent_errors_are_rolled_back",
    "test_no_traffic_is_held_then_resumed_and_promoted",
    "test_one_and_a_half_times_slower_is_rolled_back",
]
pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=["gateway", "pods"])
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, daemon: Docker, registry: str
) -> Iterator[ClusterProject]:
    """A copy whose production serves a first release from the cluster."""
    folder, gateway = tmp_path_factory.mktemp("canaries"), request.param == "gateway"
    with on_cluster(folder, "clustered", cluster, registry, gateway) as copy:
        copy.release()
        done = copy.invoke("deploy", "--env=production")
        assert done.code == 0, done.output
        yield copy
