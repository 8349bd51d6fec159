"""Write audit events; where the registry is gone, keep them with the environment and chain them later."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes
from gateline.contracts.event import ACCEPTED, FINISHED, STARTED, Event, Head
from gateline.contracts.layout import HEAD, LOG, is_log
from gateline.registry.audit import AuditLog, Finding
from gateline.settings.errors import GatelineError, GateRefused, first_line
from gateline.settings.secrets import redacted_in
from gateline.settings.shown import tell
from infra.host.actor import acting, commit
from infra.host.notes import Notes

UNREACHABLE = (OSError, GatelineError)
DAMAGED = {"change": "spool", "outcome": "failed", "error": "an event that waited for the registry is damaged"}
BROKEN, ADOPTED, SPOOL, DAMAGED_PREFIX = "audit-broken", "audit-adopted/", "spool/", "spool-damaged/"


def _warn(message: str) -> None:
    tell(f"warning: {message}", error=True)


@dataclass
class Change:
    """One change in the making: `type` and `data` become its last event."""

    type: str = FINISHED
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Done:
    """What one call has chained so far, and is still to be noted."""

    head: Head | None = None
    changes: list[tuple[Notes, dict[str, str | None]]] = field(default_factory=list)


class Recorder:
    """The audit log as one environment, or a build, writes it."""

    def __init__(
        self,
        log: AuditLog,
        notes: Sequence[Notes],
        project: str,
        environment: str,
        others: Callable[[], Iterable[Head]] = tuple,
        warn: Callable[[str], None] = _warn,
        versions: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """The log's head as it was last seen is kept in all of `notes`; events that cannot be chained wait in the last.

        `others` are heads that this machine kept for other environments: one log serves them all. `warn` is told once why
        events wait where the log is not the one seen before. `versions` are those of the objects that a change has made.
        """
        self.log, self._notes, self._others, self._warn = log, notes, others, warn
        self._source = f"/{project}/{environment}"
        self._versions = versions
        self._known: tuple[Head, ...] | None = None
        self._warned = False
        self._spooled = datetime.fromtimestamp(0, UTC)

    def record(self, type: str, subject: str, data: dict[str, Any]) -> None:
        """Chain one event, after those that wait; keep it where the registry cannot be reached or the log does not hold."""
        event, done = self._event(type, subject, data), _Done()
        try:
            self._chain_waiting(done)
            done.head = self._append(event)
        except UNREACHABLE:
            self._spool(event)
        finally:
            self._note(done)

    def later(self, type: str, subject: str, data: dict[str, Any]) -> None:
        """Keep one event here, to be chained by the next that is recorded: no registry is waited for."""
        self._spool(self._event(type, subject, data))

    def _event(self, type: str, subject: str, data: dict[str, Any]) -> Event:
        body = {"actor": acting().model_dump(), "commit": commit(), **data}
        now, data = datetime.now(UTC).isoformat(timespec="milliseconds"), redacted_in(body)
        return Event(id=uuid.uuid4().hex, source=self._source, type=type, time=now, subject=subject, data=data)

    @contextmanager
    def change(self, kind: str, subject: str, *, urgent: bool = False, **data: Any) -> Iterator[Change]:
        """Record that a change starts, and how it ended: finished as the caller says, or failed and why.

        An `urgent` one waits for no registry: that it starts is kept here, and chained before how it ended.
        """
        change = Change(data={"change": kind, **data})
        (self.later if urgent else self.record)(STARTED, subject, change.data)
        try:
            yield change
        except BaseException as error:
            failed = {"outcome": "failed", "error": f"{type(error).__name__}: {first_line(error)}"}
            self.record(FINISHED, subject, change.data | failed | self._objects())
            raise
        self.record(change.type, subject, {"outcome": "done"} | change.data | self._objects())

    def _objects(self) -> dict[str, Any]:
        """Return at which versions a cluster's objects are: its own log tells who changed them, and when."""
        with suppress(*UNREACHABLE):
            if found := self._versions():
                return {"objects": dict(found)}
        return {}

    def flush(self) -> int:
        """Chain the events that waited for the registry; return how many.

        One that is damaged must not stop what comes after it: it is set aside, and the log says so. Raises ChainBroken where
        the log is not the one seen before; then everything waits on.
        """
        done = _Done()
        try:
            self._chain_waiting(done)
        finally:
            self._note(done)
        return len(done.changes)

    def _chain_waiting(self, done: _Done) -> None:
        for notes, name in self._waiting():
            text = notes.read(name)
            if text is None:
                continue  # another command has chained it
            changes: dict[str, str | None] = {name: None}
            try:
                event = Event.model_validate_json(text)
            except ValidationError:
                event = self._event(FINISHED, name, DAMAGED | {"sha256": of_bytes(text.encode())})
                changes[f"{DAMAGED_PREFIX}{name.removeprefix(SPOOL)}"] = text
            done.head = self._append(event.model_copy(update={"data": event.data | {"spooled": True}}))
            done.changes.append((notes, changes))

    def waiting(self) -> int:
        """Return how many events wait for the registry."""
        return len(self._waiting())

    def broken(self) -> str:
        """Return why events wait although the registry could be reached, as the last command saw it; else ''."""
        return next((text for notes in self._notes if (text := notes.read(BROKEN))), "")

    def heads(self) -> list[Head]:
        """Return the log's heads as this environment last saw them, one for each place that keeps one.

        Raises GateRefused (rule `chain`) for an unreadable one, OutsideError where a place cannot be reached.
        """
        return [head for notes in self._notes if (head := read_head(notes, self.log.name)) is not None]

    def elsewhere(self) -> list[str]:
        """Return which other logs a place keeps the head of: a registry that was moved, or one that is tried alongside it."""
        kept = (notes.read(LOG) for notes in self._notes if notes.read(HEAD) is not None)
        return [log for log in kept if log and not is_log(log, self.log.name)]

    def kept_head(self) -> Head | None:
        """Return the newest head that this environment has seen, or None. Raises as `heads` does."""
        return max(self.heads(), key=lambda head: head.count, default=None)

    def accept(self, reason: str, findings: Iterable[Finding], heads: Mapping[str, Head]) -> Head:
        """Go on with the log as it is: record that a person accepts what is missing or changed, and return the new head.

        `heads` are those that do not hold, by where they were kept.
        """
        facts = {
            "change": "accept-cut",
            "outcome": "done",
            "reason": reason,
            "findings": [finding.as_data() for finding in findings],
            "heads": [head.model_dump() for head in heads.values()],
            "kept_by": sorted(heads),
        }
        return self.log.append(self._event(ACCEPTED, "", facts))

    def adopt(self, head: Head) -> int:
        """Take an accepted head for the one that was seen last, and chain what waited; return how many events did.

        It is remembered that a person here took part: see `adopted`.
        """
        self._known = (head,)
        mark: dict[str, str | None] = {f"{ADOPTED}{head.count:08d}": head.digest}
        self._note(_Done(head, [(notes, mark) for notes in self._notes]))
        return self.flush()

    def adopted(self) -> set[str]:
        """Return the digests of the events by which a person went on with a broken log, as far as that was done from here."""
        return {notes.read(name) or "" for notes in self._notes for name in notes.names(ADOPTED)}

    def has_seen_events(self) -> bool:
        """Say whether this environment, or another of this machine, has seen events of the log. Raises as `heads` does."""
        return any(head.count for head in self.seen())

    def seen(self) -> tuple[Head, ...]:
        """Return the log's heads as this environment, and this machine's others, last saw them. Raises as `heads` does."""
        if self._known is None:
            self._known = (*self.heads(), *self._others())
        return self._known

    def _append(self, event: Event) -> Head:
        """Chain an event, unless the log is not the one that was seen before: why is noted and said once."""
        try:
            head = self.log.append(event, self.seen())
        except GateRefused as broken:
            if not self._warned:
                self._warned = True
                kept = "Events are kept with the environment until it holds"
                self._warn(f"{broken.message}. {kept}. next: {broken.next_step}")
                self._write(BROKEN, broken.message)
            raise
        self._known = (head,)
        return head

    def _note(self, done: _Done) -> None:
        """Keep the new head, and forget what waits no more, with one change for each place: on a daemon each one takes time.

        A place that cannot be reached keeps the head before: it is a line of the same log.
        """
        if done.head is None:
            return
        for notes in self._notes:
            changes: dict[str, str | None] = {HEAD: done.head.model_dump_json(), BROKEN: None}
            for place, more in done.changes:
                changes |= more if place is notes else {}
            if not notes.shared:
                changes[LOG] = self.log.name
            with suppress(*UNREACHABLE):
                notes.update(changes)

    def _spool(self, event: Event) -> None:
        self._spooled = max(datetime.now(UTC), self._spooled + timedelta(microseconds=1))  # a clock may be set back
        number = self._spooled.strftime("%Y%m%dT%H%M%S%f")
        self._write(f"{SPOOL}{number}-{event.id[:8]}", event.model_dump_json())

    def _write(self, name: str, text: str) -> None:
        """Keep a note in the last place that takes it: the one that most people see."""
        for notes in reversed(self._notes[1:]):
            with suppress(*UNREACHABLE):
                return notes.write(name, text)
        self._notes[0].write(name, text)

    def _waiting(self) -> list[tuple[Notes, str]]:
        """Return the events that wait, in the order in which they were written, each with the place that keeps it."""
        found = [(name, number, notes) for number, notes in enumerate(self._notes) for name in notes.names(SPOOL)]
        return [(notes, name) for name, _, notes in sorted(found, key=lambda one: one[:2])]


def read_head(notes: Notes, log: str) -> Head | None:
    """Return the head of a log that is kept in one place, or None. Raises GateRefused (rule `chain`) if it is unreadable."""
    text = notes.read(HEAD) if is_log(notes.read(LOG) or log, log) else None
    try:
        return None if text is None else Head.model_validate_json(text)
    except ValidationError:
        why = f"{notes.where(HEAD)} is unreadable: the log cannot be compared with what was seen of it here"
        raise GateRefused(
            why, "compare the log with the head in the last summary, then: invoke audit --accept-cut --reason=WHY",
            rule="chain",
        ) from None
