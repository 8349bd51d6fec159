"""The audit log read for pages: what was done with each release, and which release had an environment's traffic when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateline.contracts.event import DEPLOYED, ROLLED_BACK, STARTED, UPGRADED, Event
from gateline.report.history import Change, outcome, who

BROUGHT_IN = (DEPLOYED, UPGRADED)


@dataclass(frozen=True)
class Tenure:
    """One release as the stable one of an environment. `until` is empty while it is."""

    environment: str
    release: str
    since: str
    by: str
    until: str = ""


def environment_of(event: Event) -> str:
    """Return the last part of an event's source: an environment's name, or `build`."""
    return event.source.rpartition("/")[2]


def actor_of(event: Event) -> str:
    """Return who did it."""
    return str((event.data.get("actor") or {}).get("name", "?"))


def changes(events: Iterable[Event]) -> dict[str, list[Change]]:
    """Return what was done with each release, oldest first, by the release's digest.

    A beginning is told only where no end followed: that command was killed.
    """
    found: dict[str, list[Change]] = {}
    listed = list(events)
    ends = _ends(listed)
    for event in listed:
        if event.type == STARTED and ends.get((event.source, event.subject), 0) > event.sequence:
            continue
        found.setdefault(event.subject, []).append(_told(event))
        back_to = str(event.data.get("back_to", ""))
        if event.type == ROLLED_BACK and back_to:
            found.setdefault(back_to, []).append(_told(event, f"serves again, after {event.subject[:8]}"))
    found.pop("", None)
    return found


def tenures(events: Iterable[Event]) -> list[Tenure]:
    """Return which release was stable where and when, oldest first; a rehearsal serves nobody and is left out."""
    past, present = list[Tenure](), dict[str, Tenure]()
    for event in events:
        place = environment_of(event)
        now, stable = present.get(place), _stable_after(event)
        if stable is None or (now and now.release == stable) or event.data.get("rehearsal"):
            continue
        if now:
            past.append(Tenure(place, now.release, now.since, now.by, event.time))
            del present[place]
        if stable:
            present[place] = Tenure(place, stable, event.time, actor_of(event))
    return [*past, *present.values()]


def _stable_after(event: Event) -> str | None:
    """Return the digest that an event made stable, '' where it left nothing, None where it changed nothing."""
    if event.type in BROUGHT_IN:
        return event.subject
    if event.type == ROLLED_BACK:
        return str(event.data["back_to"]) if event.data.get("back_to") else None
    return "" if event.data.get("removed") and event.data.get("outcome") == "done" else None


def _ends(events: Iterable[Event]) -> dict[tuple[str, str], int]:
    """Return the number of the last event about each release in each place that is no beginning."""
    return {(event.source, event.subject): event.sequence for event in events if event.type != STARTED}


def _told(event: Event, ended: str = "") -> Change:
    data = event.data
    run = str((data.get("actor") or {}).get("run", ""))
    flags = [name.replace("_", " ") for name in FLAGS if data.get(name)]
    said = ended or outcome(event)
    return Change(
        time=event.time,
        who=who(event),
        where=environment_of(event),
        what=str(data.get("change", "build")),
        ended=f"{said} ({', '.join(flags)})" if flags else said,
        commit=str(data.get("commit", "")),
        run=run if run.startswith("https://") else "",
    )


FLAGS = ("skip_canary", "unjudged", "lift_quarantine", "release_quarantine", "from_laptop", "by_hand", "rehearsal", "spooled")
"""What was allowed or is special, as the events record it."""
