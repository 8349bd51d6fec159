"""Runs of stages that the audit log knows: those of other machines too, with the release and who it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from gateline.contracts.event import DEPLOYED, PACKAGED, ROLLED_BACK, SIGNED, STARTED, UPGRADED, Event
from gateline.contracts.last_run import Ending, LastRun, last_runs, leave
from gateline.report.history import outcome
from infra.site.changes import actor_of, environment_of

STAGES = {"deploy", "canary", "promote", "rollback"}
BUILT = {PACKAGED: "build", SIGNED: "sign"}
ENDS = {DEPLOYED: "pass", UPGRADED: "pass", PACKAGED: "pass", SIGNED: "pass"}


def bring_up_to_date(events: Iterable[Event], reports: Path) -> None:
    """Let the reports know the newest change of each kind: what ran elsewhere, and whose release it was about."""
    known = last_runs(reports)
    for key, told in newest(events).items():
        run = _joined(known.get(key), told)
        if run != known.get(key):
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


def _joined(known: LastRun | None, told: LastRun) -> LastRun:
    """What was noted here says more of time and sources; the audit log says whose release it was, and knows other machines."""
    if known is None or told.started > known.ended:
        return told
    if told.ended >= known.started:
        return known.model_copy(update={"release": told.release, "by": told.by})
    return known


def _run(stage: str, event: Event, begun: Event) -> LastRun:
    environment = "" if event.type in BUILT else environment_of(event)
    ending = _ending(event)
    return LastRun(
        stage=stage,
        environment=environment,
        command=f"invoke {stage}" + (f" --env={environment}" if environment else ""),
        ending=ending,
        started=begun.time,
        ended=event.time,
        seconds=_seconds(begun.time, event.time) if begun is not event else None,
        commit=_commit(event),
        release=event.subject,
        by=actor_of(event),
        reason="" if ending == "pass" else outcome(event),
    )


def _ending(event: Event) -> Ending:
    """A rollback by hand that went through passed; a canary that was rolled back failed."""
    if event.type == ROLLED_BACK:
        return "pass" if event.data.get("change") == "rollback" else "fail"
    if event.type in ENDS:
        return "pass"
    if event.data.get("outcome") == "failed":
        return "error"
    return "inconclusive" if event.data.get("change") == "canary" else "pass"


def _commit(event: Event) -> str:
    commit = str(event.data.get("commit", ""))
    return "" if commit == "nogit" else commit


def _seconds(begun: str, ended: str) -> float:
    return round((datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds(), 2)
