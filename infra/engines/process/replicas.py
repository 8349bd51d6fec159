"""The supervisor's hand on the services: started, started again, and let go when the state does not name them any more."""

import functools
import os
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from gateline.contracts.slots import State, WantedReplica, WantedSlot
from infra.engines.process import starting, verification
from infra.engines.process.record import Record, Seen
from infra.engines.process.supervised import Draining, Supervised
from infra.haproxy.control import Server
from infra.host.layout import Layout
from infra.host.processes import Command

HUNG_SECONDS = 30.0
"""A single request may keep a replica busy for long; one that let every check time out for so long hangs."""
NEVER_STARTED = Seen(pid=0, born="")


class Replicas:
    """Every service process of one environment."""

    def __init__(self, layout: Layout, record: Record) -> None:
        """Take over what an earlier supervisor left."""
        self._layout = layout
        self._left = {**record.replicas, **record.leaving}
        self._running: dict[str, Supervised] = {}
        self._draining: dict[str, Draining] = {}
        self._drain_seconds = 0.0
        self._answered: set[tuple[str, int]] = set()
        self._pool = ThreadPoolExecutor(2, "verify")
        self._verifying: dict[str, Future[str]] = {}

    @property
    def seen(self) -> Mapping[str, Seen]:
        """The processes that should run, for the record; some may have ended a moment ago."""
        return self._left | {name: seen for name, one in self._running.items() if (seen := one.seen)}

    @property
    def leaving(self) -> Mapping[str, Seen]:
        """The processes that are drained and stopped, for the record."""
        return {name: draining.seen for name, draining in self._draining.items()}

    @property
    def draining(self) -> tuple[str, ...]:
        """Those of them that the proxy still knows, for the record."""
        return tuple(name for name, draining in self._draining.items() if draining.known)

    def supervise(self, state: State) -> dict[str, str]:
        """Start what should run and does not; return what happened to each that ended since the last call."""
        wanted = {replica.name: (slot, replica) for slot in state.slots.values() for replica in slot.replicas}
        self._drain_seconds = state.drain_seconds
        for name, (slot, replica) in wanted.items():
            if name not in self._running:
                build = functools.partial(self._command, slot, replica)
                self._running[name] = Supervised(build, self._layout.log(name), self._left.pop(name, None))
        for name in [name for name in self._running if name not in wanted]:
            gone = self._running.pop(name)
            self._verifying.pop(name, None)
            self._draining[name] = Draining(gone.seen or NEVER_STARTED, gone.child, self._drain_seconds)
        for name, seen in self._left.items():
            self._draining[name] = Draining(seen, seen.child(), self._drain_seconds)
        self._left.clear()
        return {name: how for name, one in self._running.items() if (how := one.supervise())}

    def end_hung(self, servers: Mapping[str, Server]) -> list[str]:
        """End the replicas that once answered the proxy's checks and let all time out for HUNG_SECONDS; return their names.

        They are started again when they are supervised next. One that was never ready is left to those who wait for it.
        """
        pids = {name: seen.pid for name, one in self._running.items() if (seen := one.seen)}
        self._answered = {one for one in self._answered if pids.get(one[0]) == one[1]}
        self._answered |= {(name, pid) for name, pid in pids.items() if name in servers and servers[name].passed}
        known = [name for name, _ in self._answered if name in servers]
        hung = [name for name in known if servers[name].hangs and servers[name].since >= HUNG_SECONDS]
        for name in hung:
            self._running[name].send(signal.SIGKILL)
        return hung

    def drain(self, release: Callable[[str, bool], bool]) -> None:
        """Take one more step with each replica that leaves. `release(name, forced)` says whether the proxy has let it go."""
        for name, draining in list(self._draining.items()):
            if draining.step(functools.partial(release, name)):
                del self._draining[name]

    def stop(self) -> None:
        """Ask every replica to stop, give them the time to drain together, then end them."""
        seen = [*self.seen.values(), *self.leaving.values()]
        children = [child for child in (one.child() for one in seen) if child]
        for child in children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + self._drain_seconds
        for child in children:
            child.end(max(0.0, deadline - time.monotonic()))

    def _command(self, slot: WantedSlot, replica: WantedReplica) -> Command | None:
        """Return how to start a replica once what it starts from was compared since it was due; raise what that found.

        It is compared during the supervisor's other work, and once for replicas of a slot that are due meanwhile.
        """
        mine = self._verifying.get(replica.name)
        if mine is None:
            names = {other.name for other in slot.replicas}
            lasting = (one for name, one in self._verifying.items() if name in names and not one.done())
            mine = next(lasting, None) or self._pool.submit(verification.require, self._layout, slot.release, slot.program)
            self._verifying[replica.name] = mine
        if not mine.done():
            return None
        del self._verifying[replica.name]
        mine.result()
        return starting.service(self._layout, slot, replica, os.environ)
