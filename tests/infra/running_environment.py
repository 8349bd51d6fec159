"""One environment on some engine, and what tests of any engine do to it."""

from __future__ import annotations

import contextlib
import os
import signal
from abc import ABC, abstractmethod
from typing import Any

import httpx

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from infra.engines.contract import Engine

READY_SECONDS = 30.0


class RunningEnvironment(ABC):
    """An environment named `production`; `port` is where its proxy listens."""

    engine: Engine
    port: int
    takes_turns = True
    """Whether shares are exact within any few requests, as a proxy of ours makes them; others draw."""

    @abstractmethod
    def fetched(self, version: str = "1", **knobs: Any) -> Release:
        """Return a release that the engine can start."""

    @abstractmethod
    def another(self) -> Engine:
        """Return another engine object of this environment, as the next command makes one."""

    @abstractmethod
    def pids(self, replica: str) -> list[int]:
        """Return the processes of a replica, as this machine numbers them."""

    def send(self, replica: str, number: signal.Signals) -> None:
        """Send a signal to every process of a replica."""
        for pid in self.pids(replica):
            with contextlib.suppress(ProcessLookupError):  # it ended with one that was signalled before it
                os.kill(pid, number)

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

    def leave_stable_alone(self) -> None:
        """Give stable all traffic, and stop a canary."""
        self.engine.set_shares({Slot.STABLE: 1.0})
        self.engine.stop(Slot.CANARY)

    def finds_nobody(self) -> bool:
        """Whether a request is refused, since no slot has traffic: with 503, where something stands before them."""
        try:
            return httpx.post(f"{self.url}/predict", content=b"{}", timeout=5).status_code == 503
        except httpx.ConnectError:
            return not self.takes_turns

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
