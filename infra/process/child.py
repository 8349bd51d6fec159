"""One process that outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CLOCK_SECONDS = 2.0
"""How far two readings of one process's start time may lie apart after the clock was set."""


@dataclass(frozen=True)
class Command:
    """What to start: built purely, executed by `Child.spawn`."""

    argv: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


@dataclass
class Child:
    """A living process in a session of its own, known by id and start time."""

    process: psutil.Process
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def spawn(cls, command: Command, log: Path) -> Child:
        """Start a command; what it prints is appended to `log`. Raises OSError if it cannot be started."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command.argv,
                cwd=command.folder,
                env=dict(command.variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(psutil.Process(popen.pid), popen)

    @classmethod
    def find(cls, pid: int, created: float) -> Child | None:
        """Return the living process of this id and start time, or None."""
        try:
            process = psutil.Process(pid)
            found = cls(process)
            return found if abs(process.create_time() - created) < CLOCK_SECONDS and found.alive() else None
        except psutil.Error:
            return None

    @classmethod
    def of_this_process(cls) -> Child:
        """Return the process that asks."""
        return cls(psutil.Process())

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def created(self) -> float:
        """When it started, POSIX seconds."""
        return self.process.create_time()

    def alive(self) -> bool:
        """Say whether it runs; a process that ended and was not yet reaped does not."""
        if self.popen is not None:
            return self.popen.poll() is None
        try:
            return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

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
