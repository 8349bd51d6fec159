"""The supervisor's hand on the services: started, kept alive, and let go when the state does not name them any more."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from gateline.contracts.state import State, WantedReplica, WantedSlot
from infra.engines.process import starting, verification
from infra.engines.process.kept import GONE, Kept, Leaving
from infra.engines.process.proxy import Proxy
from infra.engines.process.record import Record, Seen
from infra.haproxy.statistics import Server
from infra.host.child import Command
from infra.host.layout import Layout

HUNG_SECONDS = 30.0
"""A single request may keep a replica busy for long; one that let every check time out for so long hangs."""


class Replicas:
    """Every service process of one environment."""

    def __init__(self, place: Layout, record: Record) -> None:
        """Take over what an earlier supervisor left."""
        self._place = place
        self._left = {**record.replicas, **record.leaving}
        self._kept: dict[str, Kept] = {}
        self._leaving: dict[str, Leaving] = {}
        self._drain_seconds = 0.0
        self._answered: set[tuple[str, int]] = set()
        self._pool = ThreadPoolExecutor(2, "verify")
        self._verifying: dict[str, Future[str]] = {}

    @property
    def seen(self) -> Mapping[str, Seen]:
        """The processes that should run, for the record; some may have ended a moment ago."""
        return self._left | {name: seen for name, kept in self._kept.items() if (seen := kept.seen)}

    @property
    def leaving(self) -> Mapping[str, Seen]:
        """The processes that are drained and stopped, for the record."""
        return {name: leaving.seen for name, leaving in self._leaving.items()}

    @property
    def draining(self) -> tuple[str, ...]:
        """Those of them that the proxy still knows, for the record."""
        return tuple(name for name, leaving in self._leaving.items() if leaving.draining)

    def tend(self, state: State) -> dict[str, str]:
        """Start what should run and does not; return what happened to each that ended since the last call."""
        wanted = {replica.name: (slot, replica) for slot in state.slots.values() for replica in slot.replicas}
        self._drain_seconds = state.drain_seconds
        for name, (slot, replica) in wanted.items():
            if name not in self._kept:
                self._kept[name] = Kept(self._builder(slot, replica), self._place.log(name), self._left.pop(name, None))
        self._let_go(wanted)
        ended = {name: kept.tend() for name, kept in self._kept.items()}
        return {name: how for name, how in ended.items() if how}

    def end_hung(self, servers: Mapping[str, Server]) -> list[str]:
        """End the replicas that once answered the proxy's checks and let all time out for HUNG_SECONDS; return their names.

        The next `tend` starts them again. One that was never ready is left to those who wait for it.
        """
        pids = {name: seen.pid for name, kept in self._kept.items() if (seen := kept.seen)}
        self._answered = {one for one in self._answered if pids.get(one[0]) == one[1]}
        self._answered |= {(name, pid) for name, pid in pids.items() if name in servers and servers[name].passed}
        hung = [
            name
            for name, _ in self._answered
            if name in servers and servers[name].hangs and servers[name].since >= HUNG_SECONDS
        ]
        for name in hung:
            self._kept[name].send(signal.SIGKILL)
        return hung

    def retire(self, proxy: Proxy) -> None:
        """Take one more step with each replica that leaves. Raises OutsideError if the proxy does not answer."""
        for name, leaving in list(self._leaving.items()):
            if leaving.step(functools.partial(proxy.release, name)):
                del self._leaving[name]

    def stop(self) -> None:
        """Ask every replica to stop, give them the time to drain together, then end them."""
        seen = [*self.seen.values(), *self.leaving.values()]
        children = [child for child in (one.child() for one in seen) if child]
        for child in children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + self._drain_seconds
        for child in children:
            child.end(max(0.0, deadline - time.monotonic()))

    def _builder(self, slot: WantedSlot, replica: WantedReplica) -> Callable[[], Command | None]:
        return lambda: starting.service(self._place, slot, replica, os.environ) if self._verified(slot, replica) else None

    def _verified(self, slot: WantedSlot, replica: WantedReplica) -> bool:
        """Say whether what a replica starts from was compared since it was due; raise what that found.

        It is done beside the supervisor's other work, and once for replicas that are due while it lasts.
        """
        mine = self._verifying.get(replica.name)
        if mine is None:
            names = {other.name for other in slot.replicas}
            lasting = (one for name, one in self._verifying.items() if name in names and not one.done())
            mine = next(lasting, None) or self._pool.submit(verification.require, self._place, slot.release, slot.program)
            self._verifying[replica.name] = mine
        if not mine.done():
            return False
        del self._verifying[replica.name]
        mine.result()
        return True

    def _let_go(self, wanted: Mapping[str, object]) -> None:
        for name in [name for name in self._kept if name not in wanted]:
            kept = self._kept.pop(name)
            self._verifying.pop(name, None)
            self._leaving[name] = Leaving(kept.seen or GONE, kept.child, self._drain_seconds)
        for name, seen in self._left.items():
            self._leaving[name] = Leaving(seen, seen.child(), self._drain_seconds)
        self._left.clear()
