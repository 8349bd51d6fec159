"""The audit log: one exclusively created object per event, hash-chained, so that an edit is seen."""

from __future__ import annotations

from contracts.digest import of_bytes
from contracts.event import GENESIS, Event, Head
from registry.chain import Entry, Finding, broken, entry_of, line_of, name_of
from registry.store import Store
from settings.errors import OutsideError

__all__ = ["AuditLog", "Finding"]

FOLDER = "audit"
ATTEMPTS = 1000


class AuditLog:
    """The log of one registry. With a key, every event carries an HMAC."""

    def __init__(self, store: Store, key: str = "") -> None:
        """Keep the store and the key."""
        self._store, self._key = store, key

    def append(self, event: Event) -> Head:
        """Chain an event to the end; another writer's event in between is chained to, never overwritten."""
        for _ in range(ATTEMPTS):
            head = self.head()
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

    def events(self) -> list[Event]:
        """Return every readable event in order."""
        return [entry.event for entry in self._entries().values() if entry.event]

    def verify(self, heads: tuple[Head, ...] = ()) -> list[Finding]:
        """Return every place where the log is not what was written: edited, removed, reordered or cut. Empty when it holds.

        `heads` are heads kept elsewhere (with an environment, in a summary): they show a cut end, which a chain alone cannot.
        """
        foreign = [
            Finding(0, f"chain: '{name}' is no line of the log")
            for name in self._store.names(FOLDER)
            if line_of(name) is None
        ]
        return foreign + broken(self._entries(), heads, self._key)

    def unsealed(self) -> int:
        """Return how many events carry no HMAC: a rewrite of the whole chain from there on would go unseen."""
        return sum(not event.seal for event in self.events())

    def _entries(self) -> dict[int, Entry]:
        lines = self._lines()
        stored = zip(lines, self._store.each(self._read, lines), strict=True)
        return {line: entry_of(line, data, self._key) for line, data in stored}

    def _lines(self) -> list[int]:
        return sorted(line for line in map(line_of, self._store.names(FOLDER)) if line)

    def _read(self, line: int) -> bytes:
        return self._store.read(f"{FOLDER}/{name_of(line)}")
