"""The audit log read for pages: what was done with each release, who had an environment's traffic when, which stages ran.

It knows the runs of other machines too, with the release and who it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateline.contracts.event import DEPLOYED, PACKAGED, ROLLED_BACK, SIGNED, STARTED, UPGRADED, Event
from gateline.contracts.last_run import Ending, LastRun, last_runs, leave
from gateline.report.history import Change, outcome, who

BROUGHT_IN = (DEPLOYED, UPGRADED)
STAGES = {"deploy", "canary", "promote", "rollback"}
BUILT = {PACKAGED: "build", SIGNED: "sign"}
FLAGS = ("skip_canary", "unjudged", "lift_quarantine", "release_quarantine", "from_laptop", "by_hand", "rehearsal", "spooled")
"""What was allowed or is special, as the events record it."""


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
    ends = {(event.source, event.subject): event.sequence for event in listed if event.type != STARTED}
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


def bring_up_to_date(events: Iterable[Event], reports: Path) -> None:
    """Let the reports know the newest change of each kind: what ran elsewhere, and whose release it was about."""
    known = last_runs(reports)
    for key, told in newest(events).items():
        here = known.get(key)
        if here is None or told.started > here.ended:
            leave(told, reports)
        elif told.ended >= here.started:  # what was noted here says more of time and sources, the log whose release it was
            run = here.model_copy(update={"release": told.release, "by": told.by})
            if run != here:
                leave(run, reports)


def newest(events: Iterable[Event]) -> dict[str, LastRun]:
    """Return the last finished change of each stage and environment, by the key of its run."""
    found: dict[str, LastRun] = {}
    begun: dict[tuple[str, str, str], Event] = {}
    for event in events:
        stage = BUILT.get(event.type) or str(event.data.get("change", ""))
        what = (event.source, stage, event.subject)
        if event.type == STARTED:
            begun[what] = event
        elif event.type in BUILT or stage in STAGES:
            run = _run(stage, event, begun.pop(what, event))
            found[run.key] = run
    return found


def _run(stage: str, event: Event, begun: Event) -> LastRun:
    environment = "" if event.type in BUILT else environment_of(event)
    ending, commit = _ending(event), str(event.data.get("commit", ""))
    took = datetime.fromisoformat(event.time) - datetime.fromisoformat(begun.time)
    return LastRun(
        stage=stage,
        environment=environment,
        command=f"invoke {stage}" + (f" --env={environment}" if environment else ""),
        ending=ending,
        started=begun.time,
        ended=event.time,
        seconds=round(took.total_seconds(), 2) if begun is not event else None,
        commit="" if commit == "nogit" else commit,
        release=event.subject,
        by=actor_of(event),
        reason="" if ending == "pass" else outcome(event),
    )


def _ending(event: Event) -> Ending:
    """A rollback by hand that went through passed; a canary that was rolled back failed."""
    if event.type == ROLLED_BACK:
        return "pass" if event.data.get("change") == "rollback" else "fail"
    if event.type in (*BROUGHT_IN, *BUILT):
        return "pass"
    if event.data.get("outcome") == "failed":
        return "error"
    return "inconclusive" if event.data.get("change") == "canary" else "pass"
