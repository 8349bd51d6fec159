"""Events are chained; without a registry they wait, and are chained later in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from gateline.contracts.event import ACCEPTED, FINISHED, ROLLED_BACK, STARTED
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from gateline.settings.errors import GateRefused, OutsideError
from infra.host.notes import FolderNotes
from infra.rollout.recorder import Recorder


def recorder(tmp_path: Path, versions: Callable[[], Mapping[str, str]] = dict) -> Recorder:
    notes = (FolderNotes(tmp_path / "environment"),)
    log = AuditLog(Store(str(tmp_path / "registry"), "p"))
    return Recorder(log, notes, "p", "production", versions=versions)


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
    assert (tmp_path / "environment" / "audit-log.json").read_text() == f"{tmp_path}/registry p", "whose head it is"


@pytest.mark.parametrize(("seen", "kept"), [({"v1/secrets/s": "41"}, {"v1/secrets/s": "41"}), ({}, None)])
def test_a_change_ends_with_the_versions_of_what_it_made(
    tmp_path: Path, seen: dict[str, str], kept: dict[str, str] | None
) -> None:
    one = recorder(tmp_path, lambda: seen)
    with one.change("deploy", "digest"):
        pass
    with pytest.raises(ValueError, match="no"), one.change("deploy", "digest"):
        raise ValueError("no")
    assert [event.data.get("objects") for event in one.log.events()] == [None, kept, None, kept]


def test_a_change_whose_objects_cannot_be_asked_is_recorded(tmp_path: Path) -> None:
    def gone() -> dict[str, str]:
        raise OutsideError("the API server does not answer", "start it")

    with recorder(tmp_path, gone).change("deploy", "digest"):
        pass
    begun, ended = recorder(tmp_path).log.events()
    assert ended.data["outcome"] == "done" and "objects" not in ended.data


def test_an_urgent_change_asks_no_registry_before_it_is_done(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    with recorder(tmp_path).change("rollback", "digest", urgent=True, reason="slow") as change:
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


def test_events_wait_in_order_though_the_clock_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Back(datetime):
        left = [2030, 2029, 2028]

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Back:
            return cls(cls.left.pop(0) if len(cls.left) > 1 else cls.left[0], 1, 1, tzinfo=tz)

    monkeypatch.setattr("infra.rollout.recorder.datetime", Back)
    one = recorder(tmp_path)
    for number in range(3):
        one.later(STARTED, str(number), {})
    monkeypatch.undo()
    assert one.flush() == 3
    assert [event.subject for event in one.log.events()] == ["0", "1", "2"]


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
    assert [event.subject for event in events] == ["0", f"spool/{first.stem}", "2", "3"]
    assert events[1].data["error"] == "an event that waited for the registry is damaged" and events[1].data["sha256"]
    assert (tmp_path / "environment" / "spool-damaged" / first.name).read_text() == "{cut"
    assert recorder(tmp_path).waiting() == 0


def test_an_unreadable_head_is_a_finding(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    (tmp_path / "environment" / "audit-head.json").write_text("?")
    with pytest.raises(GateRefused, match="chain: .*audit-head.json is unreadable"):
        recorder(tmp_path).kept_head()


def cut(tmp_path: Path, *numbers: int) -> None:
    for number in numbers:
        (tmp_path / "registry" / "p" / "audit" / f"{number:08d}.json").unlink()


def lines(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "registry" / "p" / "audit").glob("*"))


def test_a_head_of_another_registry_is_not_compared_and_said(tmp_path: Path) -> None:
    for number in range(3):
        recorder(tmp_path).record(STARTED, str(number), {})
    (tmp_path / "registry").rename(tmp_path / "former")
    notes = FolderNotes(tmp_path / "environment")
    notes.write("audit-log", f"{tmp_path}/former p")
    there = recorder(tmp_path)
    assert there.heads() == [] and there.elsewhere() == [f"{tmp_path}/former p"]
    there.record(STARTED, "3", {})
    assert there.waiting() == 0 and [event.subject for event in there.log.events()] == ["3"]
    assert there.heads() == [there.log.head()] and there.elsewhere() == []


@pytest.mark.parametrize("numbers", [(3,), (2, 3), (1, 2, 3)])
def test_events_wait_while_the_log_is_not_the_one_seen_before(
    tmp_path: Path, numbers: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        recorder(tmp_path).record(STARTED, str(number), {})
    head = recorder(tmp_path).kept_head()
    cut(tmp_path, *numbers)
    before = lines(tmp_path)
    with recorder(tmp_path).change("rollback", "digest", urgent=True):
        pass
    recorder(tmp_path).record(FINISHED, "4", {})
    assert lines(tmp_path) == before and recorder(tmp_path).waiting() == 3
    assert recorder(tmp_path).kept_head() == head and "line 3 is missing" in recorder(tmp_path).broken()
    assert head is not None and recorder(tmp_path).log.verify((head,)) != []
    said = capsys.readouterr().err
    assert said.count("warning: the audit log in") == 2 and "--accept-cut" in said, "once a command"


def test_what_another_environment_saw_counts_too(tmp_path: Path) -> None:
    for number in range(3):
        recorder(tmp_path).record(STARTED, str(number), {})
    seen = recorder(tmp_path).heads()
    cut(tmp_path, 3)
    log, notes = recorder(tmp_path).log, (FolderNotes(tmp_path / "staging"),)
    Recorder(log, notes, "p", "staging", lambda: seen).record(STARTED, "5", {})
    assert lines(tmp_path) == ["00000001.json", "00000002.json"]
    assert Recorder(log, notes, "p", "staging").waiting() == 1


def test_events_go_on_once_the_log_is_back(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    (tmp_path / "registry").rename(tmp_path / "away")
    recorder(tmp_path).record(FINISHED, "1", {})
    assert not (tmp_path / "registry").exists(), "no new log is begun where none is mounted"
    (tmp_path / "away").rename(tmp_path / "registry")
    recorder(tmp_path).record(FINISHED, "2", {})
    assert [event.subject for event in recorder(tmp_path).log.events()] == ["0", "1", "2"]
    assert recorder(tmp_path).broken() == "" and recorder(tmp_path).waiting() == 0


def test_an_accepted_log_goes_on_with_what_waited(tmp_path: Path) -> None:
    for number in range(3):
        recorder(tmp_path).record(STARTED, str(number), {})
    cut(tmp_path, 2, 3)
    recorder(tmp_path).record(FINISHED, "3", {})
    one = recorder(tmp_path)
    (head,) = one.heads()
    accepted = one.accept("restored from a backup", one.log.verify((head,)), {"production": head})
    assert one.adopt(accepted) == 1 and one.waiting() == 0 and one.broken() == ""
    events = one.log.events()
    assert [event.type for event in events] == [STARTED, ACCEPTED, FINISHED]
    assert events[1].data["reason"] == "restored from a backup" and events[1].data["actor"]["name"]
    assert events[1].data["heads"] == [head.model_dump()] and events[1].data["kept_by"] == ["production"]
    assert one.log.verify(recorder(tmp_path).heads()) == []


def test_an_unreadable_head_is_not_replaced_by_the_next_event(tmp_path: Path) -> None:
    recorder(tmp_path).record(STARTED, "0", {})
    (tmp_path / "environment" / "audit-head.json").write_text("?")
    recorder(tmp_path).record(STARTED, "1", {})
    assert recorder(tmp_path).waiting() == 1 and lines(tmp_path) == ["00000001.json"]
    with pytest.raises(GateRefused, match="audit-head.json is unreadable"):
        recorder(tmp_path).kept_head()
