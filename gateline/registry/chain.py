"""The judgement of an audit log: where its chain does not hold."""

import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gateline.contracts.digest import canonical, of_bytes
from gateline.contracts.event import ACCEPTED, GENESIS, PACKAGED, Event, Head, seal_of
from gateline.settings.errors import GateRefused

UNKNOWN: Mapping[Head, datetime] = MappingProxyType({})
NAME = re.compile(r"[0-9]{8,}\.json")
WIDEST = 10_000
"""Missing lines side by side that are named one by one."""
WRONG_SEAL = "was changed, or sealed with another key: its seal is not the one that the key makes"


@dataclass(frozen=True)
class Finding:
    """One place where the chain does not hold."""

    line: int
    reason: str
    digest: str = ""
    """What is stored at that line now: accepting a finding accepts these bytes, and no others."""
    head: Head | None = None
    """The head that was kept elsewhere and does not hold, where that is what was found."""

    def as_data(self) -> dict[str, Any]:
        """Return the finding as an event carries it."""
        return {"line": self.line, "reason": self.reason, "digest": self.digest}


class ChainBroken(GateRefused):
    """The log in the registry is not the one that was seen before: nothing may be chained to it."""


@dataclass(frozen=True)
class Entry:
    """One line as it is stored, and what is wrong with it taken alone."""

    line: int
    digest: str
    event: Event | None
    fault: str = ""
    sealed: bool = False
    """Whether its seal is the one that the key makes."""
    flaw: str = ""
    """What is wrong with it under any key."""


def name_of(line: int) -> str:
    """Return the name of the object that holds a line."""
    return f"{line:08d}.json"


def line_of(name: str) -> int | None:
    """Return the line that an object's name stands for, or None for a foreign object."""
    line = int(name[:-5]) if NAME.fullmatch(name) else 0
    return line if line and name == name_of(line) else None


def entry_of(line: int, data: bytes, key: str = "") -> Entry:
    """Read one stored line; what is wrong with it is said in `fault`."""
    digest = of_bytes(data)
    try:
        event = Event.model_validate_json(data)
        body = json.loads(data)
        whole = canonical(body) == data
    except (ValidationError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        return Entry(line, digest, None, flaw := f"is not readable: {reason}", flaw=flaw)
    sealed = bool(key) and hmac.compare_digest(event.seal.encode(), seal_of(body, key).encode())
    flaw = "" if whole else "was changed: its bytes are not those of a stored event"
    if whole and event.sequence != line:
        flaw = f"holds the event of line {event.sequence}: it was moved"
    return Entry(line, digest, event, flaw or (WRONG_SEAL if event.seal and key and not sealed else ""), sealed, flaw)


def broken(entries: Mapping[int, Entry], heads: Iterable[Head] = (), key: str = "") -> list[Finding]:
    """Return every place where a log is not what was written: edited, removed, moved or cut. Empty when it holds.

    `heads` were kept elsewhere; they alone show a cut end, and, without a key, a rewrite of the whole chain.
    """
    found = [(line, reason) for line in _looked_at(entries) for reason in _faults_at(line, entries)]
    found += _unsealed(entries) if key else []
    stored = {line: entry.digest for line, entry in entries.items()}
    inside = [Finding(line, f"chain: line {line} {reason}", stored.get(line, "")) for line, reason in set(found)]
    return sorted([*inside, *lost(heads, stored)], key=lambda finding: (finding.line, finding.reason))


def _looked_at(entries: Mapping[int, Entry]) -> Iterator[int]:
    """Yield each line that is there, and those that are missing before it; of a wide gap, as anybody can make one by a name
    with a large number, its first lines stand for the others.
    """
    before = 0
    for line in sorted(entries):
        yield from range(before + 1, min(line, before + 1 + WIDEST))
        yield (before := line)


def lost(heads: Iterable[Head], stored: Mapping[int, str]) -> list[Finding]:
    """Return which heads kept elsewhere do not hold, by the digests of the stored lines: the log was cut, or written again."""
    found = []
    for head in dict.fromkeys(heads):
        digest = GENESIS if head.count == 0 else stored.get(head.count, "")
        if digest != head.digest:
            what = "is not the one" if digest else "is missing: the log was cut before the one"
            reason = f"chain: line {head.count} {what} that was recorded elsewhere as its head"
            found.append(Finding(head.count, reason, digest, head))
    return found


def settled(
    findings: Iterable[Finding],
    entries: Mapping[int, Entry],
    key: str = "",
    adopted: Collection[str] = (),
    kept: Mapping[Head, datetime] = UNKNOWN,
) -> dict[Finding, Event]:
    """Return the findings that a person has accepted, each with the event that says so.

    With a key, the event's seal must hold. A head that was kept elsewhere is accepted by a sealed event alone, or by one of
    `adopted`, the digests of those that this machine took part in: anyone who can write the registry could add another.
    `kept` says when a head was kept, where that is known: one from before the event may be any within what it accepts.
    """
    events = [entry for entry in entries.values() if entry.event and entry.event.type == ACCEPTED and not entry.fault]
    trusted = [entry for entry in events if entry.sealed or not key]
    return {
        finding: entry.event
        for finding in findings
        for entry in trusted
        if entry.event and _accepts(entry, entry.event, finding, entry.sealed or entry.digest in adopted, kept)
    }


def _accepts(entry: Entry, event: Event, finding: Finding, vouched: bool, kept: Mapping[Head, datetime]) -> bool:
    if finding.head is None:
        return entry.line > finding.line and finding.as_data() in event.data.get("findings", [])
    heads = event.data.get("heads", [])
    if not vouched or finding.head.model_dump() in heads:
        return vouched
    if finding.head not in kept or kept[finding.head] >= datetime.fromisoformat(event.time):
        return False
    cut = entry.line <= finding.line <= max((head["count"] for head in heads), default=0)
    changed = {(one["line"], one["digest"]) for one in event.data.get("findings", [])}
    return cut or (finding.line, finding.digest) in changed


def _faults_at(line: int, entries: Mapping[int, Entry]) -> list[str]:
    """A line is vouched for by the line after it, which carries its digest."""
    entry, after = entries.get(line), entries.get(line + 1)
    if entry is None:
        return ["is missing: it was removed"]
    faults = [entry.fault] if entry.fault else []
    if line == 1 and entry.event and entry.event.previous != GENESIS:
        faults.append("does not begin the log: what it follows was removed")
    if after and after.event and after.event.previous != entry.digest and after.event.sequence == line + 1:
        faults.append(f"is not the one that line {line + 1} was chained to: one of the two was changed")
    return faults


def _unsealed(entries: Mapping[int, Entry]) -> list[tuple[int, str]]:
    """Events from before the key was set are vouched for by the first sealed one, chained to them; later ones by nothing.

    But for those of a release that was packed: training and pull requests record it, where the key must not be. It changes
    no environment and lets nothing in, and what is sealed after it vouches for it.
    """
    first = min((line for line, entry in entries.items() if entry.sealed), default=0)
    return [
        (line, "has no seal: it was written without the key")
        for line, entry in sorted(entries.items())
        if entry.event and not entry.event.seal and entry.event.type != PACKAGED and (not first or line > first)
    ]
