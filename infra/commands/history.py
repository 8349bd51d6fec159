"""`invoke audit` and `invoke drift`."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.digest import short
from contracts.event import Event, Head
from contracts.files import place
from infra.audit_line import outcome
from infra.commands import audit_heads
from infra.commands.building import build_recorder
from infra.rollout.target import Target, audit_key
from infra.tracing import trace as trace_back
from registry.audit import AuditLog, Finding
from registry.store import Store
from settings import Settings, load
from settings.errors import ExitCode, GateRefused

WIDTH = 500


def audit(trace: str, export: str, against: str = "", keep: str = "") -> int:
    """Print the log, verify it, and say which edits would go unseen; 1 where the chain does not hold."""
    settings = load()
    log = AuditLog(Store.of(settings), audit_key())
    if trace:
        print(trace_back(settings, trace))
        return 0
    events = log.events()
    seen, unreadable = kept_heads(settings)
    seen += (audit_heads.compared(settings, Path(against)),) if against else ()
    findings = unreadable + log.verify(seen)
    _print(events)
    _print_verification(log, events, findings)
    if export:
        _export(Path(export), events, findings)
    if keep and findings:
        print(f"next: find out what happened to the log; {keep} was not written")
    elif keep:
        audit_heads.keep(settings, log.head(), Path(keep))
    return int(ExitCode.FAIL) if findings else 0


def drift(env: str) -> int:
    """Judge drift in one environment."""
    from infra.drift import judge_environment

    return judge_environment(env)


def kept_heads(settings: Settings) -> tuple[tuple[Head, ...], list[Finding]]:
    """Return the log's heads as builds and environments last saw them, and which of them cannot be read."""
    seen: list[Head] = []
    unreadable: list[Finding] = []
    for recorder in (build_recorder(settings), *(Target.open(name).recorder for name in settings.environments)):
        try:
            head = recorder.kept_head()
        except GateRefused as error:
            unreadable.append(Finding(0, str(error)))
            continue
        seen += [head] if head else []
    return tuple(seen), unreadable


def _print(events: list[Event]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "time", "who", "where", "what", "release", "outcome"):
        table.add_column(column, no_wrap=True, justify="right" if column == "#" else "left")
    for event in events:
        table.add_row(*(escape(cell) for cell in _row(event)))
    console.print(table)


def _row(event: Event) -> tuple[str, ...]:
    data = event.data
    actor, release = data.get("actor", {}), data.get("release") or {}
    return (
        str(event.sequence),
        event.time[:19],
        f"{actor.get('name', '?')} ({actor.get('kind', '?')})",
        event.source.rpartition("/")[2],
        str(data.get("change", "build")),
        f"{release.get('version', '')} {short(event.subject)}".strip(),
        outcome(event),
    )


def _print_verification(log: AuditLog, events: list[Event], findings: list[Finding]) -> None:
    head = log.head() if not findings else None
    for finding in findings:
        print(f"[broken] {finding.reason}")
    if head is not None:
        print(f"verified: {len(events)} events, each follows the one before; head {head.count} {head.digest}")
    unsealed = log.unsealed()
    if unsealed and audit_key() and not findings:
        print(
            f"{unsealed} of {len(events)} events carry no HMAC: written before the key was set, or where it must not be "
            "(a release is packed in training); the sealed events after them vouch for them"
        )
    elif unsealed:
        print(
            f"{unsealed} of {len(events)} events carry no HMAC: whoever can write the registry and every kept head "
            "could write the whole chain anew unseen. next: set GATELINE_AUDIT_KEY"
        )


def _export(path: Path, events: list[Event], findings: list[Finding]) -> None:
    body = {
        "verified": not findings,
        "findings": [finding.reason for finding in findings],
        "events": [event.model_dump(mode="json") for event in events],
    }
    place({path: json.dumps(body, indent=2, ensure_ascii=False)})
    print(f"exported {len(events)} events to {path}")
