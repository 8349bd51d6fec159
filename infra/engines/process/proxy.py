"""The supervisor's hand on HAProxy: started again when it ends, and kept in agreement with the state."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping

from gateline.contracts.files import write_private
from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.engines.process import starting
from infra.engines.process.record import Seen
from infra.engines.process.supervised import Supervised
from infra.haproxy import configuration as haproxy
from infra.haproxy.control import Control, Server, asking
from infra.host.layout import Layout, make_private
from infra.host.processes import Child, Command, wait_until

STOP_SECONDS = 5.0
DEAF_SECONDS = 5.0
"""A proxy that answered no question for so long, and at least DEAF_QUESTIONS of them, hangs. A question waits for 2 s."""
DEAF_QUESTIONS = 3
SOCKET_SECONDS = 2.0
"""A proxy makes its socket when it starts; one that lives so long without was robbed of it."""
TOUCH_SECONDS = 3600.0
"""What cleans temporary folders goes by when a file was last touched: days, as a rule."""


class Proxy:
    """One environment's proxy."""

    def __init__(self, layout: Layout, state: State, seen: Seen | None) -> None:
        """Take over the proxy that an earlier supervisor left, if it still lives."""
        self._layout, self._state = layout, state
        self._socket = asking(state.socket)
        self.control = Control(self._ask)
        self.servers: Mapping[str, Server] = {}
        self.process = Supervised(self._prepare, layout.log("proxy"), seen)
        self._before: Child | None = None
        self._unanswered = 0
        self._heard = self._seen_socket = self._touched = time.monotonic()

    def supervise(self, state: State) -> str:
        """Start the proxy with this state if it does not run; return how it ended if it did since the last call.

        A proxy that handed over to its successor ends by itself; where that could not take over, the first is in the way.
        """
        if (state.host, state.port) != (self._state.host, self._state.port):
            self.process.send(signal.SIGKILL)
        self._state = state
        if self._before is not None and not self.process.alive:
            self._before.send(signal.SIGKILL)
        if self._before is not None and not self._before.alive():
            self._before = None
        how = self.process.supervise()
        if how:
            self._unanswered, self._heard = 0, time.monotonic()
        return how

    def converge(self) -> bool:
        """Bring the running proxy to what the state says; return False where it cannot be asked yet.

        Raises OutsideError where it does not follow.
        """
        if not self._state.socket.exists():
            return False
        self.servers = self.control.agree(self._state)
        return True

    def _ask(self, commands: str) -> str:
        """Ask. A proxy that hangs is ended here, and started again when it is supervised next."""
        try:
            said = self._socket(commands)
        except OutsideError as error:
            self._unanswered += 1
            silent = time.monotonic() - self._heard
            if self._unanswered >= DEAF_QUESTIONS and silent > DEAF_SECONDS:
                self.process.send(signal.SIGKILL)
                raise OutsideError(f"the proxy answered nothing for {silent:.0f} s and is replaced") from error
            raise
        self._unanswered, self._heard = 0, time.monotonic()
        return said

    def restore_socket(self) -> str:
        """Replace a living proxy whose sockets were removed, as what cleans /tmp does; return what was done, if anything.

        The one before goes on with its requests to their end; nothing else could give it a socket again.
        """
        state, now = self._state, time.monotonic()
        above = state.runtime.parents[1]  # the account's own goes when its last session ends; the proxy serves on
        if not self.process.alive or state.socket.exists() or not above.is_dir():
            self._seen_socket = now
            if now - self._touched > TOUCH_SECONDS:
                self._touched = now
                for path in (state.runtime.parent, state.runtime, state.socket, state.guards):
                    with contextlib.suppress(OSError):
                        os.utime(path)
            return ""
        if now - self._seen_socket < SOCKET_SECONDS or self._before is not None:
            return ""
        self._seen_socket = self._heard = now
        self._before = self.process.replace()
        return f"had lost {state.socket} and is replaced"

    def release(self, name: str, forced: bool) -> bool:
        """Take one more step to let a server go; return True once the proxy does not know it."""
        return not self.process.alive or self.control.release(name, self._state, forced)

    def report_dead(self, name: str) -> None:
        """Tell the proxy that a replica died, so that nothing is sent to its successor before that is ready.

        A proxy that does not answer finds out by itself.
        """
        with contextlib.suppress(OutsideError):
            self.control.mark_down(name)

    def stop(self) -> None:
        """Let running requests end, then end the proxy and remove its sockets."""
        self.process.send(signal.SIGUSR1)
        wait_until(lambda: not self.process.alive, STOP_SECONDS)
        self.process.send(signal.SIGKILL)
        shutil.rmtree(self._state.runtime, ignore_errors=True)

    def _prepare(self) -> Command:
        """Write what the proxy starts from, so that it comes back as it was; on a full disk, only files that differ."""
        make_private(self._state.runtime.parent)
        make_private(self._state.runtime)
        self._state.socket.unlink(missing_ok=True)
        texts = {self._state.guards: haproxy.guards_file(self._state), self._layout.proxy_config: haproxy.config(self._state)}
        for path, text in texts.items():
            if not path.exists() or path.read_bytes() != text.encode():
                write_private(path, text.encode())
        child = self.process.child
        before = child.pid if child and child.alive() else 0
        return starting.proxy(haproxy.binary(), self._layout.proxy_config, self._state, os.environ, before)
