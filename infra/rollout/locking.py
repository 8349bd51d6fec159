"""One command at a time changes an environment; others wait, or are told who is at it."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

from filelock import FileLock, Timeout

from gateline.contracts import layout
from gateline.contracts.files import place
from gateline.settings.errors import OutsideError
from infra.engines.contract import Engine
from infra.host.actor import acting
from infra.host.processes import stopped

POLL_SECONDS = 0.2


@contextmanager
def held(
    folder: Path, engine: Engine, command: str, wait: float, say: Callable[[str], None], rollback: bool = False
) -> Iterator[None]:
    """Hold the environment for `command` against this machine's commands and, by its engine, those of other machines.

    A `rollback` is held against other machines' rollbacks alone: a canary may run there for hours.
    It waits up to `wait` seconds. The hold ends with its process, however it ends. Raises OutsideError naming who holds it.
    """
    layout.make(folder)
    lock, about = FileLock(folder / "lock"), _me(command)
    claimed = False

    def taken() -> str:
        """Take what is not taken yet; return '' or who is in the way."""
        nonlocal claimed
        try:
            lock.acquire(timeout=POLL_SECONDS) if not lock.is_locked else None
        except Timeout:
            return holder(folder)
        with contextlib.suppress(OSError):  # who holds it is a courtesy, and a full disk must not stop a rollback
            place({folder / "lock-holder.json": about})
        found = engine.claim(about, rollback)
        claimed = not found
        return _told(found) if found else ""

    try:
        _wait(taken, folder.name, wait, say)
        yield
    finally:
        if claimed:
            engine.unclaim()
        if lock.is_locked:
            (folder / "lock-holder.json").unlink(missing_ok=True)
            lock.release()


def is_free(folder: Path, engine: Engine) -> bool:
    """Say whether no command is at work on the environment, on this machine or, where `engine` can tell, on another one."""
    if not (folder / "lock").exists():
        return True
    lock = FileLock(folder / "lock")
    try:
        with lock.acquire(timeout=0):
            found = engine.claim(_me("invoke status"))
            if not found:
                engine.unclaim()
            return not found
    except (Timeout, OSError):
        return False


def holder(folder: Path) -> str:
    """Say who holds the lock on this machine, as far as is known."""
    try:
        return _told((folder / "lock-holder.json").read_text(encoding="utf-8"))
    except OSError:
        return "another command"


def _told(about: str) -> str:
    try:
        found = json.loads(about)
        who = f"`{found['command']}` of {found['who']} (process {found['pid']} on {found['host']}, since {found['since']})"
        asleep = found["host"] == gethostname() and stopped(int(found["pid"]))
        return f"{who}, which is suspended: end it (kill -9 {found['pid']}), or let it go on (fg)" if asleep else who
    except (ValueError, KeyError, TypeError):
        return "another command"


def _wait(taken: Callable[[], str], name: str, wait: float, say: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + wait, False
    while other := taken():
        if time.monotonic() >= deadline:
            raise OutsideError(
                f"{name} is being changed by {other}; waited {wait:.0f} s",
                "wait for it to end, or give this command --wait=SECONDS",
            )
        if not told:
            say(f"{name} is being changed by {other}: waiting up to {wait:.0f} s")
            told = True
        time.sleep(POLL_SECONDS)


def _me(command: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"command": command, "who": acting().name, "pid": os.getpid(), "host": gethostname(), "since": now}
    return json.dumps(about)
