"""What a command wanted when it began, and what an earlier one has done since: nobody's wish is carried out twice.

Two people on call see a bad release and both give `invoke rollback`. The second waits for the first; when its turn comes,
what it wanted to leave is left, and one more step back would take away the good release.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from os import getpid
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.contracts.slots import Slot
from gateline.settings.errors import GatelineError, UsageError
from infra.engines.contract import Running
from infra.host.processes import boot, since_boot
from infra.rollout.target import Target

NOTE = "last-change"
Kind = Literal["deploy", "promote", "rollback"]


class Moment(BaseModel):
    """A moment that commands compare: on one machine by the kernel's count since its start, which no clock moves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wall: float
    """POSIX seconds, for moments of other machines."""
    boot: str = ""
    """Which start of the machine; '' where only `wall` is known."""
    seconds: float = 0.0
    """Since that start."""

    @classmethod
    def now(cls) -> Moment:
        """Return the present."""
        if since_boot(getpid()) is None:
            return cls(wall=time.time())
        return cls(wall=time.time(), boot=boot(), seconds=time.clock_gettime(time.CLOCK_BOOTTIME))

    @classmethod
    def of_this_process(cls) -> Moment:
        """Return when this process began: a command begins when it is given, not when its libraries are loaded."""
        now, began = cls.now(), since_boot(getpid())
        if began is None or not now.boot:
            return now
        return now.model_copy(update={"wall": now.wall - (now.seconds - began), "seconds": began})

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read a date and time with its zone (ISO 8601). Raises UsageError for anything else."""
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise UsageError(f"--asked is '{text}'; it must be a time with its zone", "e.g. --asked=2026-01-02T10:30:00Z")
        return cls(wall=found.timestamp())

    def __le__(self, other: Moment) -> bool:
        if self.boot and self.boot == other.boot:
            return self.seconds <= other.seconds
        return self.wall <= other.wall

    def __str__(self) -> str:
        return datetime.fromtimestamp(self.wall, UTC).isoformat(timespec="seconds")


class LastChange(BaseModel):
    """The last change of what serves in an environment, as far as later commands need to know it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    left: str
    """The release (a digest) that serves no more; '' where there was none."""
    serves: str
    moved: Moment
    """When `serves` got all traffic."""
    ended: Moment
    """When its command ended: anyone who was told of the change meanwhile is told by then."""

    def answers(self, began: Moment) -> bool:
        """Whether a rollback that was asked for at `began` is about what this change has left.

        Anyone who asks while an earlier rollback is under way asks for the same; anyone who asks once another release has the
        traffic has seen that one.
        """
        return began <= (self.ended if self.kind == "rollback" else self.moved)


@dataclass(frozen=True)
class Wish:
    """What somebody saw serving when they gave a command, and when that was."""

    began: Moment
    stable: str
    canary: str
    served: str
    """The release that had most of the traffic: during a deploy's last phase, the one in the canary's slot."""

    @classmethod
    def of(cls, target: Target, began: Moment | None = None) -> Wish:
        """Look now, before any wait; `began` is when the command was given, now if that is not known."""
        running = target.engine.status()
        most = max(running.slots.values(), key=lambda slot: slot.share, default=None)
        served = most.release.digest if most is not None and most.share > 0 else ""
        return cls(began or Moment.now(), _digest(running, Slot.STABLE), _digest(running, Slot.CANARY), served)

    @property
    def leave(self) -> str:
        """The release (a digest) that a rollback without a name is about: the canary, where there was one."""
        return self.canary or self.stable

    def left_since(self, target: Target, running: Running) -> bool:
        """Whether the release that this wish wants to leave is left already, by somebody who was faster.

        So it is where a canary was promoted meanwhile: nobody who asked before has seen that serve.
        """
        stable = _digest(running, Slot.STABLE)
        here, last = {stable, _digest(running, Slot.CANARY)}, last_change(target)
        told = last is not None and last.answers(self.began) and last.left not in here
        promoted = bool(self.canary) and self.canary == stable and self.canary != self.served
        return told or promoted or bool(self.leave and self.leave not in here)

    def promoted_since(self, target: Target, running: Running) -> bool:
        """Whether the canary that this wish wants to promote is stable already, by somebody who was faster."""
        stable, last = _digest(running, Slot.STABLE), last_change(target)
        told = last is not None and last.kind == "promote" and self.began <= last.ended and last.serves == stable
        return told or bool(self.canary and self.canary == stable)


def keep_last_change(target: Target, kind: Kind, left: str, serves: str, moved: Moment | None = None) -> None:
    """Leave word of a change that is complete, for commands that waited for it.

    `left` and `serves` are digests, `moved` is when traffic was, if not now.
    """
    now = Moment.now()
    found = LastChange(kind=kind, left=left, serves=serves, moved=moved or now, ended=now)
    target.engine.notes.write(NOTE, found.model_dump_json())


def end_now(target: Target) -> None:
    """Say that the command behind the last change ends only now, after the registry and people were told, which may take long:
    anyone who gave the same command meanwhile waited for this one."""
    last = last_change(target)
    if last is not None:
        with suppress(OSError, GatelineError):  # nothing that was changed hangs on it
            target.engine.notes.write(NOTE, last.model_copy(update={"ended": Moment.now()}).model_dump_json())


def last_change(target: Target) -> LastChange | None:
    """Return the last change, or None where none is known: a damaged note must not stand in a rollback's way."""
    text = target.engine.notes.read(NOTE)
    try:
        return LastChange.model_validate_json(text) if text else None
    except ValidationError:
        return None


def _digest(running: Running, slot: Slot) -> str:
    release = running.release_in(slot)
    return release.digest if release else ""
