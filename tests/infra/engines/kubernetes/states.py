"""States of an environment on a cluster, for tests that start nothing."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.slots import Slot, WantedReplica
from infra.engines.kubernetes.state import ClusterState, Workload
from tests.infra.engines.states import release

IMAGE = "registry.example/team/tiny@sha256:" + "1" * 64


def workload(
    name: str, share: float = 0.0, *, pools: tuple[str, ...] = (), guarded: bool = False, count: int = 1, digest: str = "a"
) -> Workload:
    """Return what a slot runs: a Deployment of this name with so many replicas."""
    names = (name, *(f"{name}-{number}" for number in range(1, count)))
    replicas = tuple(WantedReplica(name=one, host="", port=8000) for one in names)
    return Workload(
        release=release(digest), program=IMAGE, share=share, guarded=guarded, replicas=replicas, pools=pools or (name,),
        variables={"GATELINE_SYNTHETIC_TOKEN": "token"},
    )  # fmt: skip


def state(**slots: Workload) -> ClusterState:
    """Return a state with these slots, by name."""
    return ClusterState(
        project="tiny", environment="production", host="0.0.0.0", port=8100, runtime=Path("/"), wanted="up",
        slots={Slot(name): wanted for name, wanted in slots.items()},
    )  # fmt: skip
