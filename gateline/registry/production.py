"""What the audit log tells of production, for whoever finds no alias `champion`: is nothing there, or is the alias gone?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateline.contracts.event import DEPLOYED, FINISHED, ROLLED_BACK, UPGRADED, Event, Head
from gateline.registry.audit import AuditLog
from gateline.settings import PRODUCTION
from gateline.settings.shown import shown

SERVED = (DEPLOYED, UPGRADED, ROLLED_BACK)


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
