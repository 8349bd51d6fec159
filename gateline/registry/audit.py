"""The audit log: one exclusively created object per event, hash-chained, so that an edit is seen."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from gateline.contracts.digest import of_bytes
from gateline.contracts.event import DEPLOYED, FINISHED, GENESIS, ROLLED_BACK, UPGRADED, Event, Head
from gateline.registry.chain import UNKNOWN, ChainBroken, Entry, Finding, broken, entry_of, line_of, lost, name_of, settled
from gateline.registry.store import AUDIT as FOLDER
from gateline.registry.store import Store
from gateline.settings import PRODUCTION
from gateline.settings.errors import GatelineError, GateRefused, OutsideError
from gateline.settings.shown import shown

__all__ = ["About", "AuditLog", "ChainBroken", "Finding"]

ATTEMPTS = 1000
LARGEST_BYTES = 2**24
"""Of one event: a line that was stretched is no reason to fill this machine's memory."""
UNREAD = "cannot be read"
SERVED = (DEPLOYED, UPGRADED, ROLLED_BACK)


@dataclass(frozen=True)
class About:
    """What a log tells of one release."""

    events: tuple[tuple[Event, bool], ...]
    """The readable ones, in order, each with whether it is vouched for: as it was written, taken alone, and sealed where there
    is a key."""
    first: int
    """The first line that tells of it; 0 where none does. What came before told nothing of it."""
    damaged: tuple[int, ...]
    """Lines that were removed, changed or cut off, which no person has accepted."""


class AuditLog:
    """The log of one registry. With a key, every event carries an HMAC."""

    def __init__(self, store: Store, key: str = "") -> None:
        self._store, self._key = store, key
        self.name = store.log

    def append(self, event: Event, known: Iterable[Head] = ()) -> Head:
        """Chain an event to the end; another writer's event in between is chained to, never overwritten.

        `known` are heads of this log that were kept elsewhere. Raises ChainBroken, and writes nothing, where one of them
        does not hold: an emptied, unmounted or cut log is not gone on with as if it were whole.
        """
        for _ in range(ATTEMPTS):
            head = self.head()
            self._refuse_lost(known, head)
            entry = event.model_copy(update={"sequence": head.count + 1, "previous": head.digest}).sealed(self._key)
            try:
                self._store.create(f"{FOLDER}/{name_of(entry.sequence)}", entry.to_bytes())
            except FileExistsError:
                if self._read(entry.sequence) != entry.to_bytes():
                    continue  # else it is this event: the answer to its write was lost, and the write repeated
            return Head(count=entry.sequence, digest=entry.digest())
        raise OutsideError(
            f"audit log in {self._store.url}: other writers took the next line {ATTEMPTS} times",
            "stop them, then run the command again",
        )

    def head(self) -> Head:
        """Return count and digest of the last event, as it is stored: a changed one is chained to, and found by `verify`."""
        lines = self._lines()
        if not lines:
            return Head(count=0, digest=GENESIS)
        return Head(count=lines[-1], digest=of_bytes(self._read(lines[-1])))

    def _refuse_lost(self, known: Iterable[Head], last: Head) -> None:
        """Compare what was seen of the log with what is there; the last line was read a moment ago."""
        stored = {last.count: last.digest} if last.count else {}
        for head in known:
            if 0 < head.count < last.count and head.count not in stored:
                with suppress(FileNotFoundError):
                    stored[head.count] = of_bytes(self._read(head.count))
        findings = lost(known, stored)
        if findings:
            raise ChainBroken(
                f"the audit log in {self._store.url} is not the one seen before: it has {last.count} events, and "
                f"{findings[-1].reason.removeprefix('chain: ')}",
                "invoke audit says what is wrong; if the registry is merely not mounted, mount it; "
                "to go on with the log as it is: invoke audit --accept-cut --reason=WHY",
            )

    def events(self) -> list[Event]:
        """Return every readable event in order."""
        return [entry.event for entry in self._entries().values() if entry.event]

    def about(self, subject: str, heads: Iterable[Head] = (), adopted: Collection[str] = ()) -> About:
        """Return what the log tells of one release, and where it may have told of it and is not as it was written.

        `heads` and `adopted` are as in `judge`. That a seal is not the key's own damages no line here: keys are changed. An
        object that cannot be read alone, in a registry that can, does.
        """
        entries = self._entries(readable=False)
        told = [(entry, entry.event) for entry in entries.values() if entry.event and entry.event.subject == subject]
        unsealed = {line: replace(entry, fault=entry.flaw) for line, entry in entries.items()}
        found = [finding for finding in broken(unsealed, heads) if finding.line]
        accepted = settled(found, entries, self._key, adopted)
        return About(
            events=tuple((event, not entry.fault and (entry.sealed or not self._key)) for entry, event in told),
            first=min((entry.line for entry, _ in told), default=0),
            damaged=tuple(finding.line for finding in found if finding not in accepted),
        )

    def verify(self, heads: Iterable[Head] = ()) -> list[Finding]:
        """Return every place where the log is not what was written: edited, removed, reordered or cut. Empty when it holds.

        `heads` are heads kept elsewhere (with an environment, in a summary): they show a cut end, which a chain alone cannot.
        What a person has accepted is left out.
        """
        return self.judge(heads)[0]

    def judge(
        self, heads: Iterable[Head] = (), adopted: Collection[str] = (), kept: Mapping[Head, datetime] = UNKNOWN
    ) -> tuple[list[Finding], dict[Finding, Event]]:
        """Return the findings of `verify`, and those that a person has accepted, each with the event that says so.

        `adopted` and `kept` are those of `chain.settled`.
        """
        names = self._store.names(FOLDER, foreign=True)
        foreign = [Finding(0, f"chain: '{name}' is no line of the log") for name in names if line_of(name) is None]
        entries = self._entries()
        found = foreign + broken(entries, heads, self._key)
        accepted = settled(found, entries, self._key, adopted, kept)
        return [finding for finding in found if finding not in accepted], accepted

    def unsealed(self) -> int:
        """Return how many events carry no HMAC: a rewrite of the whole chain from there on would go unseen."""
        return sum(not event.seal for event in self.events())

    def _entries(self, readable: bool = True) -> dict[int, Entry]:
        """Return what is stored; where it need not be `readable`, a line that cannot be read is one that is damaged."""

        def entry(line: int) -> Entry:
            try:
                return entry_of(line, self._read(line), self._key)
            except (OSError, GatelineError):
                if readable:
                    raise
                return Entry(line, "", None, UNREAD, flaw=UNREAD)

        lines = self._lines()
        return dict(zip(lines, self._store.each(entry, lines), strict=True))

    def _lines(self) -> list[int]:
        return sorted(filter(None, map(line_of, self._store.names(FOLDER))))

    def _read(self, line: int) -> bytes:
        try:
            return self._store.read(f"{FOLDER}/{name_of(line)}", LARGEST_BYTES)
        except GateRefused as error:
            raise OutsideError(f"{error.message}: an event has a few thousand", "invoke audit says what was changed") from None


@dataclass(frozen=True)
class Told:
    """That something serves in production, or may: `why` we think so, and which artifact was the last to be let in."""

    why: str
    artifact: str = ""


def told_of(log: AuditLog, heads: Iterable[Head] = ()) -> Told | None:
    """Return what the log tells of production; None where nothing was ever there.

    A log that is not whole may have told of it. `heads` are those of it that were kept elsewhere: they alone show a cut end.
    """
    events = [event for event in log.events() if _tells(event)]
    if events:
        named = (event.data.get("release") or {} for event in reversed(events) if event.type in (DEPLOYED, UPGRADED))
        last = next(named, {})
        name = f" {shown(last['version'])}" if last.get("version") else " a release"
        told = f"the audit log tells that{name} was brought into production (its last word of it: {shown(events[-1].time)})"
        return Told(told, str(last.get("artifact", "")))
    findings = [finding for finding in log.verify(heads) if finding.line]  # a foreign object tells of nothing
    if findings:
        reason = findings[0].reason.removeprefix("chain: ")
        return Told(f"the audit log is not whole, and may have told of a release in production: {reason}")
    return None


def _tells(event: Event) -> bool:
    """A rehearsal serves nobody; a change whose command died in its last phase was finished by another."""
    if not event.source.endswith(f"/{PRODUCTION}") or event.data.get("rehearsal"):
        return False
    finished = event.type == FINISHED and event.data.get("outcome") == "recovered" and event.data.get("phase") == "settle"
    return event.type in SERVED or finished
