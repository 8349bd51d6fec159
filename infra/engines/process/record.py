"""What should run in an environment, as commands write it; what runs, as the supervisor last saw it; and its sign of life."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateline.contracts.files import write_private
from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.host.processes import Child, started, wait_until

OLD_CLOCK_SECONDS = 2.0
LOCK_SECONDS = 10.0
BEAT_SECONDS = 0.2
FRESH_SECONDS = 2.0
"""A stamp of that age needs no second look. Some file systems keep times to whole seconds."""


class Seen(BaseModel):
    """One process: its id and the token of its start, which together are never used twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    born: str
    """See infra.host.processes."""
    restarts: int = 0

    def child(self) -> Child | None:
        """Return the process if it still lives."""
        return Child.find(self.pid, self.born)


class Record(BaseModel):
    """What the supervisor has done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supervisor: Seen | None = None
    proxy: Seen | None = None
    replicas: Mapping[str, Seen] = Field(default_factory=dict)
    leaving: Mapping[str, Seen] = Field(default_factory=dict)
    """Replicas that are drained and stopped."""
    draining: tuple[str, ...] = ()
    """Those of them that the proxy still knows."""
    applied: int = -1
    """The state's revision that proxy and processes agree with."""
    trouble: str = ""
    """What keeps the supervisor from making it so."""

    @property
    def everything(self) -> list[Seen]:
        """Every process that is named here."""
        own = [seen for seen in (self.supervisor, self.proxy) if seen]
        return [*own, *self.replicas.values(), *self.leaving.values()]

    @property
    def in_use(self) -> set[str]:
        """The replicas that serve, or that may still have a request running."""
        return {*self.replicas, *self.draining}

    @property
    def supervised(self) -> bool:
        """Whether the supervisor lives."""
        return bool(self.supervisor and self.supervisor.child())

    @property
    def proxied(self) -> bool:
        """Whether the proxy lives."""
        return bool(self.proxy and self.proxy.child())


def read_record(path: Path) -> Record:
    """Return the record, or an empty one if there is none or it is unreadable: it is made again by the next supervisor."""
    try:
        data = path.read_bytes()
        return _of_an_older_version(data) if b'"created"' in data else Record.model_validate_json(data)
    except (OSError, ValueError):
        return Record()


def _of_an_older_version(data: bytes) -> Record:
    """Read a record that knows processes by the time of day they started, so that an update takes over what runs."""

    def renewed(found: dict[str, Any]) -> dict[str, Any]:
        if "created" in found:
            created, pid = found.pop("created"), found.get("pid", 0)
            try:
                same = abs(psutil.Process(pid).create_time() - created) < OLD_CLOCK_SECONDS
            except psutil.Error:
                same = False
            found["born"] = started(pid) if same else ""
        return found

    return Record.model_validate(json.loads(data, object_hook=renewed))


def write_record(path: Path, record: Record) -> None:
    """Write the record whole."""
    write_private(path, record.model_dump_json(indent=2).encode())


class StateFile:
    """The state on disk. Readers see it whole; writers take turns."""

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is made until the first change."""
        self.path = path

    def read(self) -> State | None:
        """Return the state, or None before the first `up`. Raises OutsideError if the file is damaged."""
        try:
            return State.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            what = error.errors()[0]
            raise OutsideError(
                f"{self.path} is damaged: {'.'.join(map(str, what['loc']))}: {what['msg']}",
                "restore it, or remove it and deploy again (what still runs is then ended by `invoke up`)",
            ) from None

    def change(self, first: State, change: Callable[[State], State]) -> State:
        """Apply `change` to the state (to `first`, if there is none yet), write it, and return it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_SECONDS):
                before = self.read() or first
                after = change(before)
                if after != before or not self.path.exists():
                    after = after.model_copy(update={"revision": before.revision + 1})
                    write_private(self.path, after.model_dump_json(indent=2).encode())
                return after
        except Timeout:
            raise OutsideError(
                f"{self.path} stayed locked for {LOCK_SECONDS:.0f} s", "end the command that holds it, then try again"
            ) from None


class Pulse:
    """The supervisor's sign of life: a file that it stamps many times a second, and one that hangs does not.

    The stamp is the file's time of change, so that it can be set on a full disk. It holds the kernel's count of nanoseconds
    since the machine was started, which no clock moves.
    """

    def __init__(self, path: Path) -> None:
        """Look at the file for the first time; nothing is written."""
        self._path = path
        self._beaten = 0
        self._seen, self._since = self._stamp(), time.monotonic()

    def beat(self) -> None:
        """Stamp the file, unless that was done just now. Raises OSError."""
        now = time.monotonic_ns()
        if now - self._beaten < BEAT_SECONDS * 1e9:
            return
        if not self._path.exists():
            self._path.touch(mode=0o600)
        os.utime(self._path, ns=(now, now))
        self._beaten = now

    def silence(self) -> float:
        """Return for how many seconds there was no beat, as far as this object has looked; 0 while they come.

        A stamp that means nothing here (another machine's) is compared with the next: then silence begins with the first look.
        """
        stamp, now = self._stamp(), time.monotonic()
        if stamp != self._seen or 0 <= now - stamp / 1e9 < FRESH_SECONDS:
            self._seen, self._since = stamp, now
        return now - self._since

    def answers(self, seconds: float) -> bool:
        """Wait for a beat for at most so long, and say whether there was one."""
        return wait_until(lambda: self.silence() == 0, seconds)

    def _stamp(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
