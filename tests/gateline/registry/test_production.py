"""Whether production ever served a release, as the audit log tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.event import DEPLOYED, FINISHED, PACKAGED, ROLLED_BACK, STARTED, UPGRADED, Event
from gateline.registry.audit import AuditLog, told_of
from gateline.registry.store import Store

RELEASE = {"version": "v7", "artifact": "a" * 64}
RECOVERED = {"change": "deploy", "outcome": "recovered", "phase": "settle"}


def log_of(tmp_path: Path, *events: tuple[str, str, dict[str, Any]]) -> AuditLog:
    log = AuditLog(Store(str(tmp_path), "p"))
    for number, (type, environment, data) in enumerate(events, start=1):
        source = f"/p/{environment}"
        log.append(Event(id=str(number), source=source, type=type, time=f"2026-11-2{number}T00:00:00Z", data=data))
    return log


def line(tmp_path: Path, number: int) -> Path:
    return tmp_path / "p" / "audit" / f"{number:08d}.json"


@pytest.mark.parametrize(
    "event",
    [
        (DEPLOYED, "production", {"release": RELEASE}),
        (UPGRADED, "production", {"release": RELEASE, "rehearsal": False}),
        (ROLLED_BACK, "production", {}),
        (FINISHED, "production", RECOVERED),
    ],
)
def test_a_release_in_production_is_told_after_any_event(tmp_path: Path, event: tuple[str, str, dict[str, Any]]) -> None:
    found = told_of(log_of(tmp_path, event, (PACKAGED, "build", {})))
    assert found is not None and "2026-11-21" in found.why
    assert found.artifact == event[2].get("release", {}).get("artifact", "")


@pytest.mark.parametrize(
    "events",
    [
        (),
        ((PACKAGED, "build", {}), (DEPLOYED, "staging", {"release": RELEASE})),
        ((STARTED, "production", {"release": RELEASE}), (FINISHED, "production", {"outcome": "failed", "phase": "settle"})),
        ((FINISHED, "production", {**RECOVERED, "phase": "start"}),),
        ((DEPLOYED, "production", {"release": RELEASE, "rehearsal": True}),),
    ],
)
def test_where_nothing_was_ever_in_production_nothing_is_told(
    tmp_path: Path, events: tuple[tuple[str, str, dict[str, Any]], ...]
) -> None:
    assert told_of(log_of(tmp_path, *events)) is None


def test_a_log_that_is_not_whole_may_have_told(tmp_path: Path) -> None:
    log = log_of(tmp_path, *[(PACKAGED, "build", {})] * 3)
    head = log.head()
    (tmp_path / "p/audit/notes.txt").write_text("left by somebody")
    assert told_of(log, [head]) is None
    whole = line(tmp_path, 2).read_bytes()
    line(tmp_path, 2).write_bytes(whole.replace(b"2026", b"2025"))
    found = told_of(log)
    assert found is not None and "may have told of a release in production: line 2" in found.why
    line(tmp_path, 2).write_bytes(whole)
    line(tmp_path, 3).unlink()
    assert told_of(log) is None, "a cut end is shown by a head that was kept elsewhere, and by nothing else"
    assert (found := told_of(log, [head])) is not None and "line 3 is missing" in found.why
