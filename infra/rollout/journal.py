"""What is being done to an environment, written before it is done: a killed command leaves word for the next one."""

from __future__ import annotations

from os import getpid
from socket import gethostname
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.settings.errors import OutsideError
from infra.host.notes import Notes
from infra.host.processes import lives, started

NAME = "rollout"
Kind = Literal["deploy", "canary", "promote", "rollback"]


class Entry(BaseModel):
    """One change under way. `held` says why a canary waits at weight 0; then no command is running it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    phase: str
    release: str
    started: str
    pid: int
    host: str = ""
    """The machine of the process `pid`."""
    born: str = ""
    """The token of that process's start: see infra.host.processes."""
    held: str = ""
    reason: str = ""
    """Why a rollback goes back: the command that finishes a killed one quarantines for the same reason."""
    lifts: bool = False
    """Whether the release is taken out of quarantine once it is stable, as somebody asked for."""

    @property
    def abandoned(self) -> bool:
        """Whether its command is known to have ended: it ran on this machine and lives no more."""
        return not self.held and self.host == gethostname() and not lives(self.pid, self.born)

    @property
    def ours(self) -> bool:
        """Whether it is this process that is at it."""
        return (self.pid, self.host, self.born) == (getpid(), gethostname(), started(getpid()))

    def taken_over(self) -> Entry:
        """Return the entry as one that this process is at."""
        return self.model_copy(update={"pid": getpid(), "host": gethostname(), "born": started(getpid())})


class Journal:
    """The journal of one environment: one entry, or none."""

    def __init__(self, notes: Notes) -> None:
        """Keep the entry in the environment's note `rollout`."""
        self._notes = notes

    def read(self) -> Entry | None:
        """Return the entry, or None when nothing is under way. Raises OutsideError if it is damaged."""
        text = self._notes.read(NAME)
        if text is None:
            return None
        try:
            return Entry.model_validate_json(text)
        except ValidationError as error:
            raise OutsideError(
                f"{self._notes.where(NAME)} is damaged: {error.errors()[0]['msg']}",
                "remove it, then look at what runs: invoke status",
            ) from None

    def entry(self) -> Entry:
        """Return the entry that this command has written."""
        entry = self.read()
        assert entry is not None, "begin() wrote one"
        return entry

    def write(self, entry: Entry) -> None:
        """Replace the entry."""
        self._notes.write(NAME, entry.model_dump_json())

    def phase(self, name: str) -> None:
        """Note the phase that begins now."""
        entry = self.read()
        if entry:
            self.write(entry.model_copy(update={"phase": name}))

    def clear(self) -> None:
        """Forget the entry: the change is over."""
        self._notes.remove(NAME)
