"""Events are chained; without a registry they wait, and are chained later in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event import FINISHED, ROLLED_BACK, STARTED
from infra.rollout.recorder import Recorder
from registry.audit import AuditLog
from registry.store import Store
from settings.errors import GateRefused


def recorder(tmp_path: Path) -> Recorder:
    return Recorder(AuditLog(Store(str(tmp_path / "registry"), "p")), tmp_path / "environment", "p", "production")


def block(tmp_path: Path) -> None:
    """Put a file where the registry's folder would be: nothing can be read or written there."""
    (tmp_path / "registry").rename(tmp_path / "away")
    (tmp_path / "registry").write_text("")


def unblock(tmp_path: Path) -> None:
    (tmp_path / "registry").unlink()
    (tmp_path / "away").rename(tmp_path / "registry")


def test_a_change_is_recorded_before_and_after(tmp_path: Path) -> None:
    with recorder(tmp_path).change("rollback", "digest", reason="slow") as change:
        assert [event.type for event in recorder(tmp_path).log.events()] == [STARTED]
        change.type = ROLLED_BACK
    begun, ended = recorder(tmp_path).log.events()
    assert (begun.type, ended.type, ended.subject) == (STARTED, ROLLED_BACK, "digest")
    assert ended.data["reason"] == "slow" and ended.data["outcome"] == "done"
    assert ended.data["actor"]["name"] and ended.data["commit"]
    assert recorder(tmp_path).kept_head() == recorder(tmp_path).log.head()


def test_an_urgent_change_asks_no_registry_before_it_is_done(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    with recorder(tmp_path).urgent_change("rollback", "digest", reason="slow") as change:
        assert [event.subject for event in recorder(tmp_path).log.events()] == ["0"]
        assert recorder(tmp_path).waiting() == 1, "a command that is killed now leaves word"
        change.type = ROLLED_BACK
    events = recorder(tmp_path).log.events()
    assert [event.type for event in events] == [STARTED, STARTED, ROLLED_BACK]
    assert recorder(tmp_path).waiting() == 0 and recorder(tmp_path).log.verify() == []


def test_a_failed_change_says_why_and_still_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), recorder(tmp_path).change("deploy", "digest"):
        raise ValueError("no")
    ended = recorder(tmp_path).log.events()[-1]
    assert (ended.type, ended.data["outcome"], ended.data["error"]) == (FINISHED, "failed", "ValueError: no")


def test_events_wait_for_the_registry_and_are_chained_in_order(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    block(tmp_path)
    for number in range(1, 4):
        recorder(tmp_path).record(FINISHED, str(number), {})
    assert recorder(tmp_path).waiting() == 3
    unblock(tmp_path)
    recorder(tmp_path).record(FINISHED, "4", {})
    events = recorder(tmp_path).log.events()
    assert [event.subject for event in events] == ["0", "1", "2", "3", "4"]
    assert [event.data.get("spooled", False) for event in events] == [False, True, True, True, False]
    assert recorder(tmp_path).waiting() == 0
    assert recorder(tmp_path).log.verify() == []


def test_a_damaged_event_that_waited_stops_no_change_and_is_said(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    block(tmp_path)
    for number in range(1, 3):
        recorder(tmp_path).record(FINISHED, str(number), {})
    unblock(tmp_path)
    first = min((tmp_path / "environment" / "spool").glob("*.json"))
    first.write_text("{cut")
    recorder(tmp_path).record(FINISHED, "3", {})
    events = recorder(tmp_path).log.events()
    assert [event.subject for event in events] == ["0", first.name, "2", "3"]
    assert events[1].data["error"] == "an event that waited for the registry is damaged" and events[1].data["sha256"]
    assert first.with_suffix(".damaged").read_text() == "{cut" and recorder(tmp_path).waiting() == 0


def test_an_unreadable_head_is_a_finding(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    (tmp_path / "environment" / "audit-head.json").write_text("?")
    with pytest.raises(GateRefused, match="chain: .*audit-head.json is unreadable"):
        recorder(tmp_path).kept_head()
