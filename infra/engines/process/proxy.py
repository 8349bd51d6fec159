"""The supervisor's hand on HAProxy: kept alive, and kept in agreement with the state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.files import write_private
from gateline.contracts.state import State
from gateline.settings.errors import OutsideError
from infra.engines.process import starting
from infra.engines.process.kept import Kept
from infra.engines.process.record import Seen
from infra.haproxy import configuration as haproxy
from infra.haproxy import steering
from infra.haproxy.statistics import Server, StatsSocket
from infra.host.child import Child, Command
from infra.host.layout import Layout, make_private

STOP_SECONDS = 5.0
DEAF_SECONDS = 5.0
"""A proxy that answered no question for so long, and at least DEAF_QUESTIONS of them, hangs. A question waits for 2 s."""
DEAF_QUESTIONS = 3
SOCKET_SECONDS = 2.0
"""A proxy makes its socket when it starts; one that lives so long without was robbed of it."""
FRESHEN_SECONDS = 3600.0
"""What cleans temporary folders goes by when a file was last touched: days, as a rule."""


class Proxy:
    """One environment's proxy."""

    def __init__(self, place: Layout, state: State, seen: Seen | None) -> None:
        """Take over the proxy that an earlier supervisor left, if it still lives."""
        self._place = place
        self._state = state
        self.stats = StatsSocket(state.socket)
        self.servers: Mapping[str, Server] = {}
        self._kept = Kept(self._prepare, place.log("proxy"), seen)
        self._before: Child | None = None
        self._questions = 0
        self._heard = self._seen_socket = self._freshened = time.monotonic()

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
        self._see_off()
        how = self._kept.tend()
        if how:
            self._questions, self._heard = 0, time.monotonic()
        return how

    def agree(self) -> None:
        """Bring the running proxy to what the state says. Raises OutsideError where it does not follow."""
        for _ in range(3):
            self.servers = self._answered()
            told = steering.differences(self._state, self.servers, self.stats.guards(self._state.guards))
            if not told:
                return
            said = self.stats.ask(told).strip()
        raise OutsideError(f"the proxy does not follow: {said}", f"see {self._place.log('proxy')}")

    def _answered(self) -> Mapping[str, Server]:
        """Ask for the servers. A proxy that hangs is ended here, and started again by the next `tend`."""
        try:
            servers = self.stats.servers()
        except OutsideError as error:
            self._questions += 1
            silent = time.monotonic() - self._heard
            if self._questions >= DEAF_QUESTIONS and silent > DEAF_SECONDS:
                self._kept.send(signal.SIGKILL)
                raise OutsideError(f"the proxy answered nothing for {silent:.0f} s and is replaced") from error
            raise
        self._questions, self._heard = 0, time.monotonic()
        return servers

    def mend_socket(self) -> str:
        """Replace a living proxy whose sockets were removed, as what cleans /tmp does; return what was done, if anything.

        The one before goes on with its requests to their end; nothing else could give it a socket again.
        """
        now = time.monotonic()
        above = self._state.runtime.parents[1]  # the account's own goes when its last session ends; the proxy serves on
        if not self.alive or self._state.socket.exists() or not above.is_dir():
            self._seen_socket = now
            return self._freshen(now)
        if now - self._seen_socket < SOCKET_SECONDS or self._before is not None:
            return ""
        self._seen_socket = self._heard = now
        self._before = self._kept.replace()
        return f"had lost {self._state.socket} and is replaced"

    def _freshen(self, now: float) -> str:
        if now - self._freshened > FRESHEN_SECONDS:
            self._freshened = now
            for path in (self._state.runtime.parent, self._state.runtime, self._state.socket, self._state.guards):
                with contextlib.suppress(OSError):
                    os.utime(path)
        return ""

    def _see_off(self) -> None:
        """A proxy that handed over ends by itself; where its successor could not take over, it is in the way."""
        if self._before is not None and not self._kept.alive:
            self._before.send(signal.SIGKILL)
        if self._before is not None and not self._before.alive():
            self._before = None

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
        _keep(self._state.guards, haproxy.guards_file(self._state).encode())
        _keep(self._place.proxy_config, haproxy.config(self._state).encode())
        child = self._kept.child
        before = child.pid if child and child.alive() else 0
        return starting.proxy(haproxy.binary(), self._place.proxy_config, self._state, os.environ, before)


def _keep(path: Path, data: bytes) -> None:
    """Write a file that differs: a proxy comes back on a full disk as well."""
    if not path.exists() or path.read_bytes() != data:
        write_private(path, data)
