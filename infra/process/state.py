"""What should run in an environment: one JSON file that commands write whole and the supervisor reads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.release import Release
from contracts.slots import Slot
from settings.errors import OutsideError

LOCK_SECONDS = 10.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class WantedReplica(_Frozen):
    """One service process that should run. Names are never used twice in an environment."""

    name: str
    port: int


class WantedSlot(_Frozen):
    """What a slot should run."""

    release: Release
    python: str
    """The interpreter of the release's environment."""
    share: float = 0.0
    guarded: bool = False
    """Whether the slot's health hangs on the controller's heartbeat."""
    replicas: tuple[WantedReplica, ...] = ()
    variables: Mapping[str, str] = Field(default_factory=dict)
    """Environment variables that the services get beside the usual ones."""


class State(_Frozen):
    """What should run in one environment."""

    project: str
    environment: str
    host: str
    port: int
    runtime: Path
    """The folder of the sockets."""
    drain_seconds: float = 1.0
    """How long the running requests of a replica that leaves may take: the longest of the releases that ran here."""
    wanted: Literal["up", "down"] = "down"
    revision: int = 0
    """Counts the changes: the supervisor says up to which one it has come."""
    named: int = 0
    """How many replicas have been named so far."""
    slots: Mapping[Slot, WantedSlot] = Field(default_factory=dict)
    history: tuple[str, ...] = ()

    def with_slot(self, slot: Slot, wanted: WantedSlot | None) -> State:
        """Return the state with one slot replaced, or without it."""
        others = {name: present for name, present in self.slots.items() if name != slot}
        return self.model_copy(update={"slots": others if wanted is None else others | {slot: wanted}})

    @property
    def socket(self) -> Path:
        """The proxy's control socket."""
        return self.runtime / "proxy.sock"

    @property
    def guards(self) -> Path:
        """The proxy's table of guarded replicas."""
        return self.runtime / "guards.map"


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
                    write_whole(self.path, after.model_dump_json(indent=2).encode())
                return after
        except Timeout:
            raise OutsideError(
                f"{self.path} stayed locked for {LOCK_SECONDS:.0f} s", "end the command that holds it, then try again"
            ) from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that this account alone can read, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
