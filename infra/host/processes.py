"""Processes of this host: which one is meant, whether it lives, how it starts, what it logs, and how it ends.

A process is told by its id and a token of its start, which no clock changes. An id is used again sooner or later, so a
second mark is needed. Its start as a time of day would not do: a machine whose clock is set while an environment serves (a
VM resumed, a first NTP step) moves the start of every process with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import IO

LARGEST = 5 * 2**20
"""Bytes; one older file of this size is kept next to it."""
KEPT_SECONDS = 30 * 86_400.0
"""A log that nobody wrote to for so long is removed."""
DEAD = {b"Z", b"X", b"x"}
STOPPED = {b"T", b"t"}
STATE, START = 0, 19
"""Places in /proc/PID/stat behind the name; man 5 proc counts them as fields 3 and 22."""
POLL_SECONDS = 0.01
KILLED_SECONDS = 2.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a CI server that cancels a job, a terminal that was closed or an ssh session that was lost."""
PATIENCE_SECONDS = 30.0
"""How long what was interrupted may put things in order before another signal breaks it off."""
WAIT = b"interrupted already: things are being put in order, which another signal would leave half-done\n"


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll `done` until it is true; return False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def started(pid: int) -> str:
    """Return an opaque token of this start of a process, the same for every reader until the machine is booted again.

    It is '' where no such process lives; one that ended and was not yet reaped by its parent does not live.
    """
    if sys.platform == "linux":
        fields = _fields(pid)
        return f"{boot()}-{fields[START].decode()}" if fields and fields[STATE] not in DEAD else ""
    import psutil  # not in every environment that ends a process of its own

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return ""


def lives(pid: int, token: str) -> bool:
    """Say whether the process that was given this token still lives."""
    return bool(token) and started(pid) == token


def stopped(pid: int) -> bool:
    """Say whether a process was suspended (Ctrl-Z, SIGSTOP, a debugger): it lives and does nothing."""
    if sys.platform == "linux":
        fields = _fields(pid)
        return bool(fields) and fields[STATE] in STOPPED
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def since_boot(pid: int) -> float | None:
    """Return when a process started, in seconds since this machine was booted; None where that is not known."""
    fields = _fields(pid) if sys.platform == "linux" else []
    return int(fields[START]) / os.sysconf("SC_CLK_TCK") if fields else None


def _fields(pid: int) -> list[bytes]:
    """The name may hold spaces and parentheses; what stands behind its last parenthesis does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


@cache
def boot() -> str:
    """Return which start of this machine it is: one that was booted again counts the same ticks once more."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"


def trim(folder: Path) -> None:
    """Move what is in each log that is too long to `<name>.log.1`. A few lines written meanwhile may be lost.

    Logs of processes long gone are removed.
    """
    for path in folder.glob("*.log*"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink()
        elif path.suffix == ".log" and path.stat().st_size > LARGEST:
            older = path.with_suffix(".log.1")
            try:
                shutil.copyfile(path, older)
            except OSError:
                older.unlink(missing_ok=True)  # the disk is full: these lines are what it is full of
            os.truncate(path, 0)


def opened(path: Path) -> IO[bytes]:
    """Open a log to append to it. Where none can be made (a full disk) what is said is lost: better than not to run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def tail(path: Path, lines: int = 10) -> str:
    """Return the last lines of a log; empty if there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 16_384))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])


@dataclass(frozen=True)
class Command:
    """What to start: built purely, executed by `Child.spawn`."""

    argv: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


@dataclass
class Child:
    """A living process in a session of its own, which outlives the one that started it."""

    pid: int
    born: str
    """The token of its start."""
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def spawn(cls, command: Command, log: Path) -> Child:
        """Start a command; what it prints is appended to `log`. Raises OSError if it cannot be started."""
        with opened(log) as output:
            popen = subprocess.Popen(
                command.argv, cwd=command.folder, env=dict(command.variables), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        return cls(popen.pid, started(popen.pid), popen)

    @classmethod
    def find(cls, pid: int, born: str) -> Child | None:
        """Return the living process of this id and start, or None."""
        return cls(pid, born) if lives(pid, born) else None

    def alive(self) -> bool:
        """Say whether it runs; a process that ended and was not yet reaped does not."""
        return self.popen.poll() is None if self.popen is not None else lives(self.pid, self.born)

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
        wait_until(lambda: not self.alive(), seconds)
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.alive(), KILLED_SECONDS)


def end(process: subprocess.Popen[bytes], seconds: float, *, asked: bool = False) -> int:
    """Ask a process to stop (unless it was `asked` already), kill it after `seconds`, and return its exit code."""
    if not asked:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Let each of `ENDING` interrupt what runs inside as Ctrl-C does, and all of them together once.

    People press Ctrl-C twice. The first raises KeyboardInterrupt; the others are swallowed while what it interrupted puts
    things in order, for at most `PATIENCE_SECONDS`. A signal that this process was started to ignore (nohup) stays ignored.
    """
    before = {number: signal.getsignal(number) for number in ENDING}
    heard: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if heard and time.monotonic() - heard[-1] < PATIENCE_SECONDS:
            os.write(2, WAIT)
            return
        heard.append(time.monotonic())
        raise KeyboardInterrupt

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
