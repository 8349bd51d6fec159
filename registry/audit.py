"""The audit log: one exclusively created object per event, hash-chained, so that an edit is seen."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from contracts.event import GENESIS, Event, Head
from registry.store import Store

FOLDER = "audit"


@dataclass(frozen=True)
class Finding:
    """One place where the chain does not hold."""

    line: int
    reason: str


class AuditLog:
    """The log of one registry. With a key, every event carries an HMAC."""

    def __init__(self, store: Store, key: str = "") -> None:
        """Keep the store and the key."""
        self._store, self._key = store, key

    def append(self, event: Event) -> Head:
        """Chain an event to the end; another writer's event in between is chained to, never overwritten."""
        while True:
            head = self.head()
            entry = event.model_copy(update={"sequence": head.count + 1, "previous": head.digest}).sealed(self._key)
            try:
                self._store.create(_name(entry.sequence), entry.model_dump_json(indent=1).encode())
                return Head(count=entry.sequence, digest=entry.digest())
            except FileExistsError:
                continue

    def head(self) -> Head:
        """Return count and digest of the last event."""
        names = self._store.names(FOLDER)
        if not names:
            return Head(count=0, digest=GENESIS)
        last = Event.model_validate_json(self._store.read(f"{FOLDER}/{names[-1]}"))
        return Head(count=last.sequence, digest=last.digest())

    def events(self) -> list[Event]:
        """Return every readable event in order."""
        return [event for _, event in self._read() if isinstance(event, Event)]

    def verify(self, heads: tuple[Head, ...] = ()) -> list[Finding]:
        """Return every place where the log is not what was written: edited, removed, reordered or cut. Empty when it holds.

        `heads` are heads kept elsewhere (with an environment, in a summary): they show a cut end, which a chain alone cannot.
        """
        findings: list[Finding] = []
        digests = {0: GENESIS}
        previous = GENESIS
        for line, (name, event) in enumerate(self._read(), start=1):
            if isinstance(event, str):
                findings.append(Finding(line, f"chain: line {line} ({name}) is not readable: {event}"))
                continue
            findings += [Finding(line, reason) for reason in self._broken(line, name, event, previous)]
            previous = digests[line] = event.digest()
        for head in heads:
            if digests.get(head.count) != head.digest:
                findings.append(
                    Finding(
                        head.count, f"chain: line {head.count} is missing or is not the one recorded elsewhere as head"
                    )
                )
        return findings

    def unsealed(self) -> int:
        """Return how many events carry no HMAC: a rewrite of the whole chain from there on would go unseen."""
        return sum(not event.seal for event in self.events())

    def _broken(self, line: int, name: str, event: Event, previous: str) -> list[str]:
        broken = []
        if event.sequence != line or name != _name(line).rpartition("/")[2]:
            broken.append(f"chain: line {line} carries sequence {event.sequence} in {name}: one was removed or moved")
        if event.previous != previous:
            broken.append(f"chain: line {line} does not follow line {line - 1}: one of the two was changed")
        if self._key and not event.seal_holds(self._key):
            broken.append(f"chain: line {line} has no valid seal: it was changed, or written without the key")
        return broken

    def _read(self) -> list[tuple[str, Event | str]]:
        return [(name, self._parse(name)) for name in self._store.names(FOLDER)]

    def _parse(self, name: str) -> Event | str:
        data = self._store.read(f"{FOLDER}/{name}")
        try:
            event = Event.model_validate_json(data)
        except ValidationError as error:
            return str(error.errors()[0]["msg"])
        return (
            event if event.model_dump_json(indent=1).encode() == data else "its bytes are not those that were written"
        )


def _name(sequence: int) -> str:
    return f"{FOLDER}/{sequence:08d}.json"
