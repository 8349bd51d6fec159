"""One command at a time changes an environment; others wait, or are told who is at it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from infra.rollout.actor import acting
from settings.errors import OutsideError

POLL_SECONDS = 0.2


@contextmanager
def held(folder: Path, command: str, wait: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the environment's lock for `command`, waiting up to `wait` seconds. The lock dies with its process.

    Raises OutsideError naming who holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    _acquire(lock, folder, wait, say)
    try:
        (folder / "lock-holder.json").write_text(json.dumps(_me(command)))
        yield
    finally:
        (folder / "lock-holder.json").unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> str:
    """Say who holds the lock, as far as is known."""
    try:
        about = json.loads((folder / "lock-holder.json").read_text())
        return f"`{about['command']}` of {about['who']} (process {about['pid']}, since {about['since']})"
    except (OSError, ValueError, KeyError):
        return "another command"


def _acquire(lock: FileLock, folder: Path, wait: float, say: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + wait, False
    while True:
        try:
            lock.acquire(timeout=POLL_SECONDS)
            return
        except Timeout:
            if time.monotonic() >= deadline:
                raise OutsideError(
                    f"{folder.name} is being changed by {holder(folder)}; waited {wait:.0f} s",
                    "wait for it to end, or give this command --wait=SECONDS",
                ) from None
            if not told:
                say(f"{folder.name} is being changed by {holder(folder)}: waiting up to {wait:.0f} s")
                told = True


def _me(command: str) -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"command": command, "who": acting().name, "pid": os.getpid(), "since": now}
