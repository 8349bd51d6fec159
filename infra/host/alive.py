"""Which process is meant, and whether it lives: told by its id and a token of its start, which no clock changes.

A process id is used again sooner or later, so a second mark is needed. Its start as a time of day would not do: a machine
whose clock is set while an environment serves (a VM resumed, a first NTP step) moves the start of every process with it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import psutil

DEAD = {b"Z", b"X", b"x"}
STOPPED = {b"T", b"t"}
STATE, START = 0, 19
"""Places in /proc/PID/stat behind the name; man 5 proc counts them as fields 3 and 22."""


def started(pid: int) -> str:
    """Return an opaque token of this start of a process, the same for every reader until the machine is booted again.

    It is '' where no such process lives; one that ended and was not yet reaped by its parent does not live.
    """
    if sys.platform == "linux":
        fields = _fields(pid)
        return f"{boot()}-{fields[START].decode()}" if fields and fields[STATE] not in DEAD else ""
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
