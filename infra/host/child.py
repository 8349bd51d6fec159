"""One process that outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.host.alive import lives, started
from infra.host.logs import opened


@dataclass(frozen=True)
class Command:
    """What to start: built purely, executed by `Child.spawn`."""

    argv: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


@dataclass
class Child:
    """A living process in a session of its own, known by its id and the token of its start."""

    pid: int
    born: str
    """See infra.host.alive."""
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def spawn(cls, command: Command, log: Path) -> Child:
        """Start a command; what it prints is appended to `log`. Raises OSError if it cannot be started."""
        with opened(log) as output:
            popen = subprocess.Popen(
                command.argv,
                cwd=command.folder,
                env=dict(command.variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(popen.pid, started(popen.pid), popen)

    @classmethod
    def find(cls, pid: int, born: str) -> Child | None:
        """Return the living process of this id and start, or None."""
        return cls(pid, born) if lives(pid, born) else None

    @classmethod
    def of_this_process(cls) -> Child:
        """Return the process that asks."""
        return cls(os.getpid(), started(os.getpid()))

    def alive(self) -> bool:
        """Say whether it runs; a process that ended and was not yet reaped does not."""
        if self.popen is not None:
            return self.popen.poll() is None
        return lives(self.pid, self.born)

    def ending(self) -> str:
        """Say how it ended, as far as is known."""
        code = self.popen.poll() if self.popen else None
        if code is None:
            return "ended"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def send(self, number: signal.Signals) -> None:
        """Signal the process and all it started; nothing happens if none of them lives."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def end(self, seconds: float) -> None:
        """Ask it to stop, wait so long, then kill it and all it started."""
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.send(signal.SIGKILL)
