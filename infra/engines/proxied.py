"""The engines that run a proxy themselves: what is shared by weights, checked and counted there."""

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics, State, WantedReplica, WantedSlot
from gateline.settings.errors import GatelineError, OutsideError
from infra.engines import changes
from infra.engines.contract import NOT_STARTED, Replica, Running, SlotStatus
from infra.engines.observing import ASK_SECONDS, SECONDS, Life, Observed, Readiness
from infra.engines.slots import SlotEngine, given
from infra.haproxy.control import Control, Server, share

HUNG_SECONDS = 5.0
"""What lives and has not answered for so long hangs."""


class ProxiedEngine(SlotEngine):
    """One environment whose replicas, each at an address of its own, are behind one proxy."""

    control: Control
    """The way to the proxy."""

    @abstractmethod
    def _startable(self, release: Release) -> tuple[Release, str]:
        """Return the record of a fetched release, as verified, and the program to start. Raises as `Engine.start` does."""

    def _vouch(self, wanted: WantedSlot) -> str:
        """Return who vouches for what a slot runs. Raises as `Engine.verify` does."""
        return self.verify(wanted.release)

    @abstractmethod
    def _free(self, count: int, state: State) -> list[tuple[str, int]]:
        """Return so many addresses that no replica of the state has."""

    @abstractmethod
    def _observe(self) -> Observed:
        """Say what lives."""

    @abstractmethod
    def _where(self) -> str:
        """Say where the environment runs, for people."""

    @abstractmethod
    def _last_lines(self, replica: str) -> str:
        """Return where a replica's log is and its last lines, for people."""

    def _runtime(self) -> Path:
        """Return the folder of the proxy's socket."""
        return self._layout.runtime()

    def _supervision(self) -> tuple[bool, bool]:
        """Say whether what starts proxy and replicas again lives, and whether it answers."""
        return True, True

    def status(self) -> Running:
        state, seen = self._state(), self._observe()
        servers = self._servers(seen)
        lives, answers = self._supervision()
        slots = {slot: _status(slot, wanted, seen, servers or {}) for slot, wanted in state.slots.items()}
        parts = (("proxy", seen.proxy.alive and servers is None), ("supervisor", lives and not answers))
        return Running(
            environment=state.environment,
            url=f"http://{state.shown}",
            proxy_alive=servers is not None,
            supervised=answers,
            slots=slots,
            hung=(*(name for name, hangs in parts if hangs), *hung_replicas(slots, servers or {})),
            where=self._where(),
        )

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        known, program = self._startable(release)
        count = replicas * int(os.environ.get("GATELINE_WORKERS") or known.service.workers)
        variables = given(self._environment, self._state(), os.environ)
        self._change(lambda state: changes.started(state, slot, known, program, count, variables, self._free))

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        state = self._state()
        wanted = state.wanted_in(slot)
        where = f"{wanted.release.name} in slot {slot} of {state.environment}"
        with self.client("", ASK_SECONDS) as client:
            Readiness(wanted, where, client, self.control.servers, self._observe, self._last_lines).wait(seconds)

    def beat(self) -> None:
        self.control.beat()

    def metrics(self, slot: Slot) -> SlotMetrics:
        wanted = self._state().wanted_in(slot)
        with self.client("", SECONDS) as client:
            return self._meter.read(wanted.replicas, self._observe(), client, self.control.servers())

    def answers(self) -> Mapping[str, float]:
        return self.control.answers()

    def _living(self, slot: Slot) -> Sequence[WantedReplica]:
        lives = self._observe().replicas
        return [one for one in self._state().wanted_in(slot).replicas if lives.get(one.name, Life()).alive]

    def _first(self) -> State:
        return State(
            project=self._settings.project.name,
            environment=self._name,
            host=self._environment.host,
            port=self._environment.port,
            runtime=self._runtime(),
        )

    def _servers(self, seen: Observed) -> Mapping[str, Server] | None:
        """Return the proxy's servers, or None if it does not run or does not answer."""
        try:
            return self.control.servers() if seen.proxy.alive else None
        except OutsideError:
            return None

    def _refused(self, state: State, seen: Observed) -> Mapping[Slot, str]:
        """Return the slots with replicas to start for which nobody vouches, and why, in words."""
        refused = {}
        for slot, wanted in state.slots.items():
            if any(not (life := seen.replicas.get(replica.name)) or not life.alive for replica in wanted.replicas):
                try:
                    self._vouch(wanted)
                except GatelineError as error:
                    refused[slot] = f"{NOT_STARTED}slot {slot}: {error.message.removeprefix('signature: ')}"
        return refused

    def _hung(self, state: State, servers: Mapping[str, Server]) -> Iterator[str]:
        """Yield the replicas that the proxy gets no answer from, and that give none when they are asked once more."""
        with self.client("", HUNG_SECONDS) as client:
            for replica in state.replicas:
                if replica.name in servers and servers[replica.name].hangs:
                    try:
                        client.get(f"http://{replica.address}/health/live")
                    except httpx.TimeoutException:
                        yield replica.name
                    except httpx.HTTPError:
                        continue


def _status(slot: Slot, wanted: WantedSlot, seen: Observed, servers: Mapping[str, Server]) -> SlotStatus:
    lives = {replica: seen.replicas.get(replica.name, Life()) for replica in wanted.replicas}
    replicas = (Replica(one.name, one.address, life.alive, life.restarts) for one, life in lives.items())
    return SlotStatus(slot, wanted.release, share({one.name for one in lives}, servers), tuple(replicas))


def hung_replicas(slots: Mapping[Slot, SlotStatus], servers: Mapping[str, Server]) -> list[str]:
    """Say which replicas live and answer nothing, as the proxy sees them."""
    living = [(replica.name, slot) for slot, status in slots.items() for replica in status.replicas if replica.alive]
    return [f"replica {name} of {slot}" for name, slot in living if name in servers and servers[name].hangs]
