"""One environment on some engine, and what tests of any engine do to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from infra.engines.contract import Engine

READY_SECONDS = 30.0


class Ground(ABC):
    """An environment named `production`; `port` is where its proxy listens."""

    engine: Engine
    port: int

    @abstractmethod
    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that the engine can start."""

    def serving(self, replicas: int = 2, **knobs: Any) -> Release:
        """Return a release that has all traffic as stable."""
        self.engine.up()
        release = self.fetched(**knobs)
        self.engine.start(Slot.STABLE, release, replicas)
        self.engine.wait_ready(Slot.STABLE, READY_SECONDS)
        self.engine.set_shares({Slot.STABLE: 1.0})
        return release

    def canary(self, version: str = "2", replicas: int = 1, **knobs: Any) -> Release:
        """Return a release that is ready as canary, at share 0."""
        release = self.fetched(version, **knobs)
        self.engine.start(Slot.CANARY, release, replicas)
        self.engine.wait_ready(Slot.CANARY, READY_SECONDS)
        return release

    @property
    def stable(self) -> Release:
        """The release in the stable slot."""
        release = self.engine.status().release_in(Slot.STABLE)
        assert release is not None
        return release

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self.port}"
