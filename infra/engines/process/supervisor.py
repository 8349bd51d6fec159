"""The supervisor of one environment: a daemon that makes proxy and services be what the state says, and stay so.

It holds nothing that is not on disk. When it dies, proxy and services go on; the next one takes them over.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from infra.engines.process.orphans import end_strays
from infra.engines.process.proxy import Proxy
from infra.engines.process.record import Pulse, Record, Seen, StateFile, read_record, write_record
from infra.engines.process.replicas import Replicas
from infra.engines.process.starting import VERIFYING
from infra.host.layout import Layout
from infra.host.processes import started, tail, trim

TICK_SECONDS = 0.05
CONVERGE_SECONDS = 1.0
"""How often the proxy is compared with the state when nothing has changed."""
TRIM_SECONDS = 10.0
LOCK_SECONDS = 1.0


class Supervisor:
    """One environment's processes, from one tick to the next."""

    def __init__(self, layout: Layout) -> None:
        """Take over what the last supervisor left. Raises OutsideError if there is no state."""
        self._layout = layout
        self._file = StateFile(layout.state)
        self._state = self._read()
        self._stamp: tuple[int, int] = (0, 0)
        record = read_record(layout.record)
        end_strays(layout, record)
        self._me = Seen(pid=os.getpid(), born=started(os.getpid()))
        self._proxy = Proxy(layout, self._state, record.proxy)
        self._replicas = Replicas(layout, record)
        self._pulse = Pulse(layout.pulse)
        self._written: Record | None = None
        self._applied = -1
        self._trouble = ""
        self._converged = self._trimmed = 0.0

    def run(self) -> None:
        """Tick until the state says down.

        Where the environment's folder was removed, end and leave proxy and services running: nothing can be told to
        this supervisor any more, and the next `up` makes everything again.
        """
        self._publish()
        while self.tick():
            time.sleep(TICK_SECONDS)
            if not self._layout.lock.exists():
                return
        say("going down")
        self._proxy.stop()
        self._replicas.stop()
        write_record(self._layout.record, Record(applied=self._state.revision))

    def tick(self) -> bool:
        """Make everything be what the state says, as far as that can be done now; return False if that is 'down'.

        A step that fails holds up none of the others: the proxy is restarted even if everything else is wrong.
        """
        troubles = [_attempt(self._read_if_changed)]
        if self._state.wanted == "down":
            return False
        for step in (self._supervise, self._converge, lambda: self._replicas.drain(self._proxy.release)):
            _attempt(self._pulse.beat)
            troubles.append(_attempt(step))
        trouble = "; ".join(filter(None, troubles))
        if trouble and trouble != self._trouble:
            say(trouble)
        self._trouble = trouble
        _attempt(self._publish)
        if time.monotonic() - self._trimmed > TRIM_SECONDS:
            self._trimmed = time.monotonic()
            _attempt(lambda: trim(self._layout.logs))
        return True

    def _read(self) -> State:
        state = self._file.read()
        if state is None:
            raise OutsideError(f"{self._layout.state} is missing", f"invoke up --env={self._layout.environment}")
        return state

    def _read_if_changed(self) -> None:
        about = self._layout.state.stat()
        if (stamp := (about.st_mtime_ns, about.st_ino)) != self._stamp:
            self._state, self._stamp = self._read(), stamp

    def _supervise(self) -> None:
        for how in (self._proxy.supervise(self._state), self._proxy.restore_socket()):
            if how:
                self._applied = -1
                say(f"the proxy {how}")
        for name, what in self._replicas.supervise(self._state).items():
            say(f"replica {name} {what}")
            self._proxy.report_dead(name)
        self._publish()

    def _converge(self) -> None:
        now = time.monotonic()
        if self._applied == self._state.revision and now - self._converged < CONVERGE_SECONDS:
            return
        if not self._proxy.process.alive:
            raise OutsideError(f"the proxy does not run: {tail(self._layout.log('proxy'), 4)}")
        if self._proxy.converge():
            self._applied, self._converged = self._state.revision, now
            for name in self._replicas.end_hung(self._proxy.servers):
                say(f"replica {name} answers nothing and is ended, to be started again")

    def _publish(self) -> None:
        record = Record(
            supervisor=self._me,
            proxy=self._proxy.process.seen,
            replicas=self._replicas.seen,
            leaving=self._replicas.leaving,
            draining=self._replicas.draining,
            applied=self._applied,
            trouble=self._trouble,
        )
        if record != self._written:
            write_record(self._layout.record, record)
            self._written = record


def _attempt(step: Callable[[], None]) -> str:
    """Take a step; return why it failed, if it did."""
    try:
        step()
        return ""
    except (OutsideError, OSError) as error:
        return str(error)


def say(what: str) -> None:
    """Write one line to the supervisor's log; a full disk does not end the supervisor."""
    with contextlib.suppress(OSError):
        tell(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {what}")


def main() -> int:
    """Be the one supervisor of an environment until it goes down, detached unless `--foreground` is given."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.engines.process.supervisor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="It is started by `invoke up`; by hand, to watch it:\n"
        "  python -m infra.engines.process.supervisor --verifying --base .gateline --project p --env staging --foreground",
    )
    parser.add_argument("--base", type=Path, required=True, help="the folder that holds the environment's state")
    parser.add_argument("--project", required=True, help="the project's name")
    parser.add_argument("--env", required=True, help="the environment's name")
    parser.add_argument(VERIFYING, action="store_true", help="it compares what it starts; one without is replaced by `up`")
    parser.add_argument("--foreground", action="store_true", help="do not detach")
    options = parser.parse_args()
    if not options.foreground:
        if os.fork():
            return 0
        os.setsid()
    layout = Layout(options.base.resolve(), options.project, options.env)
    try:
        with FileLock(layout.lock, timeout=LOCK_SECONDS):
            say(f"supervising {layout.environment} as process {os.getpid()}")
            Supervisor(layout).run()
    except Timeout:
        say("another supervisor is at work")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
