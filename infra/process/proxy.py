"""The supervisor's hand on HAProxy: kept alive, and kept in agreement with the state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time

from infra.process import commands
from infra.proxy import haproxy, steering
from infra.process.child import Command
from infra.process.kept import Kept
from infra.process.place import Place, make_private
from infra.process.record import Seen
from infra.engines.state import State
from infra.process.state_file import write_whole
from infra.proxy.stats import StatsSocket
from settings.errors import OutsideError

STOP_SECONDS = 5.0


class Proxy:
    """One environment's proxy."""

    def __init__(self, place: Place, state: State, seen: Seen | None) -> None:
        """Take over the proxy that an earlier supervisor left, if it still lives."""
        self._place = place
        self._state = state
        self.stats = StatsSocket(state.socket)
        self._kept = Kept(self._prepare, place.log("proxy"), seen)

    @property
    def seen(self) -> Seen | None:
        """The proxy's process, for the record."""
        return self._kept.seen

    @property
    def alive(self) -> bool:
        """Whether the proxy lives."""
        return self._kept.alive

    @property
    def listens(self) -> bool:
        """Whether the proxy has come so far that it can be asked."""
        return self.alive and self._state.socket.exists()

    def tend(self, state: State) -> str:
        """Start the proxy with this state if it does not run; return how it ended if it did since the last call."""
        if (state.host, state.port) != (self._state.host, self._state.port):
            self._kept.send(signal.SIGKILL)
        self._state = state
        return self._kept.tend()

    def agree(self) -> None:
        """Bring the running proxy to what the state says. Raises OutsideError where it does not follow."""
        for _ in range(3):
            told = steering.differences(self._state, self.stats.servers(), self.stats.guards(self._state.guards))
            if not told:
                return
            said = self.stats.ask(told).strip()
        raise OutsideError(f"the proxy does not follow: {said}", f"see {self._place.log('proxy')}")

    def release(self, name: str, forced: bool) -> bool:
        """Take one more step to let a server go; return True once the proxy does not know it."""
        if not self.alive:
            return True
        server = self.stats.servers().get(name)
        if server is None:
            return True
        if server.up:
            self.stats.ask(steering.drain(name))
        elif server.current == 0 or forced:
            self.stats.ask(steering.remove(name, forced) + steering.forget_guards([name], self._state.guards))
        return False

    def report_dead(self, name: str) -> None:
        """Tell the proxy that a replica died, so that nothing is sent to its successor before that is ready.

        A proxy that does not answer finds out by itself.
        """
        with contextlib.suppress(OutsideError):
            self.stats.ask(steering.mark_down(name))

    def stop(self) -> None:
        """Let running requests end, then end the proxy and remove its sockets."""
        self._kept.send(signal.SIGUSR1)
        deadline = time.monotonic() + STOP_SECONDS
        while self._kept.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        self._kept.send(signal.SIGKILL)
        shutil.rmtree(self._state.runtime, ignore_errors=True)

    def _prepare(self) -> Command:
        """Write what the proxy starts from: it comes back exactly as it was."""
        make_private(self._state.runtime.parent)
        make_private(self._state.runtime)
        self._state.socket.unlink(missing_ok=True)
        write_whole(self._state.guards, haproxy.guards_file(self._state).encode())
        write_whole(self._place.proxy_config, haproxy.config(self._state).encode())
        return commands.proxy(haproxy.binary(), self._place.proxy_config, self._state, os.environ)
