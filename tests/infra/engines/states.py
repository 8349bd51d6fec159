"""States of an environment for tests that start nothing."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedReplica, WantedSlot
from gateline.settings import Service


def release(digest: str = "a") -> Release:
    """Return a release whose digest is one letter 64 times."""
    return Release(
        digest=digest * 64, version=digest, artifact="0", project="tiny", lock="0", python="3.11", service=Service()
    )


def slot(
    *names: str, share: float = 0.0, guarded: bool = False, digest: str = "a", first_port: int = 21_000
) -> WantedSlot:
    """Return a slot with replicas of these names, on ports that follow each other."""
    replicas = tuple(WantedReplica(name=name, port=first_port + number) for number, name in enumerate(names))
    return WantedSlot(release=release(digest), program="python", share=share, guarded=guarded, replicas=replicas)


def state(**slots: WantedSlot) -> State:
    """Return a state with these slots, by name."""
    return State(
        project="tiny",
        environment="production",
        host="127.0.0.1",
        port=20_000,
        runtime=Path("/tmp/tiny"),
        wanted="up",
        named=10,
        slots={Slot(name): wanted for name, wanted in slots.items()},
    )
