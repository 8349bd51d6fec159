"""The audit log: nothing lost between writers, and every edit found, with the line named."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.digest import of_bytes
from gateline.contracts.event import ACCEPTED, DEPLOYED, GENESIS, PACKAGED, PUBLISHED, SIGNED, Event, Head
from gateline.registry.audit import AuditLog, ChainBroken, Finding
from gateline.registry.store import Store
from gateline.settings.errors import OutsideError
from tests.gateline.registry.writers import KEY, append_at_once


def event(number: int, type: str = "dev.gateline.change.started") -> Event:
    return Event(id=str(number), source="/flights", type=type, time="2026-11-24T00:00:00Z")


def written(tmp_path: Path, count: int = 6, key: str = "") -> AuditLog:
    log = AuditLog(Store(str(tmp_path), "p"), key)
    for number in range(1, count + 1):
        log.append(event(number))
    return log


def line(tmp_path: Path, number: int) -> Path:
    return tmp_path / "p" / "audit" / f"{number:08d}.json"


def edit(path: Path, **fields: Any) -> None:
    """Change fields of a stored line and write it in the stored form, as a careful forger would."""
    path.write_bytes(Event.model_validate(json.loads(path.read_bytes()) | fields).to_bytes())


def lines_named(log: AuditLog, *heads: Head) -> list[int]:
    return sorted({finding.line for finding in log.verify(heads)})


@pytest.mark.parametrize("key", ["", KEY])
def test_a_log_that_was_only_appended_to_holds(tmp_path: Path, key: str) -> None:
    log = written(tmp_path, key=key)
    assert log.verify((log.head(), Head(count=0, digest=GENESIS))) == []
    assert [entry.id for entry in log.events()] == ["1", "2", "3", "4", "5", "6"]
    assert [entry.sequence for entry in log.events()] == [1, 2, 3, 4, 5, 6]
    assert log.unsealed() == (0 if key else 6)


def test_the_head_is_the_last_line(tmp_path: Path) -> None:
    log = written(tmp_path, 0)
    assert log.head() == Head(count=0, digest=GENESIS)
    assert log.append(event(1)) == log.head() == Head(count=1, digest=log.events()[0].digest())


def test_each_line_carries_the_digest_of_the_file_before(tmp_path: Path) -> None:
    written(tmp_path, 3)
    second = json.loads(line(tmp_path, 2).read_bytes())
    assert second["previous"] == hashlib.sha256(line(tmp_path, 1).read_bytes()).hexdigest()


@pytest.mark.slow
def test_eight_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    append_at_once(str(tmp_path), writers=8, each=25)


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("field", [{"subject": "x"}, {"time": "2026-11-25T00:00:00Z"}, {"data": {"a": 1}}, {"type": "t"}])
def test_an_edited_line_is_named(tmp_path: Path, number: int, field: dict[str, Any]) -> None:
    log = written(tmp_path)
    edit(line(tmp_path, number), **field)
    assert lines_named(log) == [number]
    assert f"line {number} is not the one that line {number + 1} was chained to" in log.verify()[0].reason


@pytest.mark.parametrize("number", range(1, 7))
def test_every_flipped_byte_is_found(tmp_path: Path, number: int) -> None:
    log = written(tmp_path)
    head, path = log.head(), line(tmp_path, number)
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert number in lines_named(log, head), position
    path.write_bytes(good)
    assert log.verify((head,)) == []


def test_an_edited_last_line_is_found_by_the_head_kept_elsewhere_or_by_the_seal(tmp_path: Path) -> None:
    log = written(tmp_path)
    head = log.head()
    edit(line(tmp_path, 6), subject="x")
    assert lines_named(log) == []
    assert lines_named(log, head) == [6]
    assert log.verify((head,))[0].reason == "chain: line 6 is not the one that was recorded elsewhere as its head"
    sealed = written(tmp_path / "sealed", key=KEY)
    edit(line(tmp_path / "sealed", 6), subject="x")
    assert lines_named(sealed) == [6]


@pytest.mark.parametrize("indent", [1, 4])
def test_a_last_line_written_in_another_form_is_found_by_the_chain_alone(tmp_path: Path, indent: int) -> None:
    log = written(tmp_path)
    path = line(tmp_path, 6)
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent), encoding="utf-8")
    assert [finding.reason for finding in log.verify()] == [
        "chain: line 6 was changed: its bytes are not those of a stored event"
    ]


def test_a_line_that_was_added_by_hand_at_the_end_is_found_by_its_seal_alone(tmp_path: Path) -> None:
    log = written(tmp_path, key=KEY)
    AuditLog(Store(str(tmp_path), "p")).append(event(7))
    assert [finding.reason for finding in log.verify()] == ["chain: line 7 has no seal: it was written without the key"]
    AuditLog(Store(str(tmp_path), "p"), "other").append(event(8))
    assert lines_named(log) == [7, 8]


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_removed_line_is_named(tmp_path: Path, number: int) -> None:
    log = written(tmp_path)
    line(tmp_path, number).unlink()
    assert lines_named(log) == [number]
    assert log.verify()[0].reason == f"chain: line {number} is missing: it was removed"


def test_a_removed_line_whose_followers_moved_up_is_found(tmp_path: Path) -> None:
    log = written(tmp_path)
    for number in range(3, 6):
        line(tmp_path, number + 1).rename(line(tmp_path, number))
    assert lines_named(log) == [3, 4, 5]
    assert log.verify()[0].reason == "chain: line 3 holds the event of line 4: it was moved"


def test_two_exchanged_lines_are_named(tmp_path: Path) -> None:
    log = written(tmp_path)
    first, second = line(tmp_path, 3), line(tmp_path, 4)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert lines_named(log) == [3, 4]


def test_lines_removed_at_the_beginning_are_found(tmp_path: Path) -> None:
    log = written(tmp_path)
    for number in (1, 2):
        line(tmp_path, number).unlink()
    assert lines_named(log) == [1, 2]


def test_a_log_begun_again_in_the_middle_is_found(tmp_path: Path) -> None:
    log = written(tmp_path)
    line(tmp_path, 1).unlink()
    for number in range(1, 6):
        edit(line(tmp_path, number + 1), sequence=number)
        line(tmp_path, number + 1).rename(line(tmp_path, number))
    assert log.verify()[0].reason == "chain: line 1 does not begin the log: what it follows was removed"


def test_a_cut_end_is_found_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    log = written(tmp_path)
    head = log.head()
    for number in (5, 6):
        line(tmp_path, number).unlink()
    assert log.verify() == []
    assert [finding.reason for finding in log.verify((head,))] == [
        "chain: line 6 is missing: the log was cut before the one that was recorded elsewhere as its head"
    ]


def test_a_log_that_was_deleted_whole_is_found(tmp_path: Path) -> None:
    log = written(tmp_path)
    head = log.head()
    for number in range(1, 7):
        line(tmp_path, number).unlink()
    assert lines_named(log, head) == [6]


def test_a_whole_chain_rewritten_is_found_with_a_key_or_a_head(tmp_path: Path) -> None:
    log = written(tmp_path, key=KEY)
    head = log.head()
    for number in range(1, 7):
        line(tmp_path, number).unlink()
    forger = AuditLog(Store(str(tmp_path), "p"))
    for number in range(1, 7):
        forger.append(event(number + 100))
    assert forger.verify() == []
    assert lines_named(forger, head) == [6]
    assert lines_named(log) == [1, 2, 3, 4, 5, 6]


def test_events_from_before_the_key_are_vouched_for_by_the_first_sealed_one(tmp_path: Path) -> None:
    written(tmp_path, 3)
    log = AuditLog(Store(str(tmp_path), "p"), KEY)
    assert lines_named(log) == [1, 2, 3]
    log.append(event(4))
    assert lines_named(log) == []
    assert log.unsealed() == 3
    edit(line(tmp_path, 2), subject="x")
    assert lines_named(log) == [2]


def test_a_release_that_was_packed_where_the_key_is_not_breaks_nothing_and_is_vouched_for(tmp_path: Path) -> None:
    sealing, plain = (AuditLog(Store(str(tmp_path), "p"), key) for key in (KEY, ""))
    for number in (1, 3):
        plain.append(event(number, PACKAGED))
        sealing.append(event(number + 1, DEPLOYED))
    plain.append(event(5, PACKAGED))
    assert sealing.verify() == [] and sealing.unsealed() == 3
    edit(line(tmp_path, 3), subject="x")
    assert lines_named(sealing) == [3], "line 4, which is sealed, was chained to another"


@pytest.mark.parametrize("type", [DEPLOYED, SIGNED, PUBLISHED, "dev.gateline.change.finished"])
def test_every_other_event_without_a_seal_is_named(tmp_path: Path, type: str) -> None:
    log = written(tmp_path, 2, KEY)
    AuditLog(Store(str(tmp_path), "p")).append(event(3, type))
    log.append(event(4))
    assert lines_named(log) == [3]


def test_the_wrong_key_finds_every_line(tmp_path: Path) -> None:
    written(tmp_path, 3, KEY)
    other = AuditLog(Store(str(tmp_path), "p"), "other")
    assert lines_named(other) == [1, 2, 3]
    assert "sealed with another key" in other.verify()[0].reason


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"{"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_bytes(path.read_bytes() + b"\n"),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"id"', b'"di"')),
        lambda path: edit(path, seal="é"),
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_a_spoilt_last_line_is_found_and_the_log_goes_on(
    tmp_path: Path, spoil: Callable[[Path], object], key: str
) -> None:
    log = written(tmp_path, key=key)
    kept = log.head()
    spoil(line(tmp_path, 6))
    assert 6 in lines_named(log, kept)
    assert log.append(event(7)).count == 7
    assert 6 in lines_named(log, kept)
    assert 7 not in lines_named(log, kept, log.head())


def cut_end(folder: Path) -> None:
    for number in (5, 6):
        line(folder, number).unlink()


def replaced_tail(folder: Path) -> None:
    cut_end(folder)
    for number in (51, 61, 71):
        AuditLog(Store(str(folder), "p")).append(event(number))


def emptied(folder: Path) -> None:
    shutil.rmtree(folder / "p")


HARM: dict[str, Callable[[Path], None]] = {
    "cut end": cut_end,
    "replaced tail": replaced_tail,
    "emptied folder": emptied,
    "edited end": lambda folder: edit(line(folder, 6), subject="x"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_nothing_is_chained_to_a_log_that_is_not_the_one_seen_before(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    log = written(tmp_path)
    head = log.head()
    assert log.append(event(7), (head,)).count == 7
    line(tmp_path, 7).unlink()
    harm(tmp_path)
    names = log._store.names("audit")
    with pytest.raises(ChainBroken, match="recorded elsewhere as its head") as broken:
        log.append(event(8), (head,))
    assert log._store.names("audit") == names and "--accept-cut" in broken.value.next_step


def accepting(findings: list[Finding], heads: tuple[Head, ...] = ()) -> Event:
    data = {"findings": [each.as_data() for each in findings], "heads": [head.model_dump() for head in heads]}
    return event(99).model_copy(update={"type": ACCEPTED, "data": data})


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize("removed", [1, 3])
def test_what_a_person_accepted_is_no_finding_any_more_and_a_later_edit_is(tmp_path: Path, key: str, removed: int) -> None:
    log = written(tmp_path, key=key)
    line(tmp_path, removed).unlink()
    findings = log.verify()
    log.append(accepting(findings))
    still, accepted = log.judge()
    assert still == [] and list(accepted) == findings
    edit(line(tmp_path, 4), subject="x")
    assert lines_named(log) == [4]


def test_an_acceptance_covers_the_bytes_that_were_there_alone(tmp_path: Path) -> None:
    log = written(tmp_path)
    edit(line(tmp_path, 3), subject="x")
    log.append(accepting(log.verify()))
    assert log.verify() == []
    edit(line(tmp_path, 3), subject="y")
    assert lines_named(log) == [3]


def test_an_acceptance_without_the_seal_counts_for_nothing_where_there_is_a_key(tmp_path: Path) -> None:
    log = written(tmp_path, key=KEY)
    line(tmp_path, 3).unlink()
    AuditLog(Store(str(tmp_path), "p")).append(accepting(log.verify()))
    assert 3 in lines_named(log)


@pytest.mark.parametrize("key", ["", KEY])
def test_a_lost_head_is_accepted_for_others_by_a_sealed_event_alone(tmp_path: Path, key: str) -> None:
    log = written(tmp_path, key=key)
    head = log.head()
    cut_end(tmp_path)
    log.append(accepting(log.verify((head,)), (head,)))
    assert bool(log.verify((head,))) is not bool(key)


def test_a_lost_head_is_accepted_by_an_event_that_this_machine_took_part_in(tmp_path: Path) -> None:
    log = written(tmp_path)
    head = log.head()
    cut_end(tmp_path)
    taken = log.append(accepting(log.verify((head,)), (head,)))
    assert log.judge((head,), {taken.digest})[0] == []
    assert log.judge((head,), {"0" * 64})[0] != []


BEFORE, AFTER = (datetime.fromisoformat(f"{day}T00:00:00Z") for day in ("2026-01-01", "2026-12-31"))


@pytest.mark.parametrize(
    ("number", "when", "covered"),
    [(4, AFTER, True), (5, BEFORE, True), (6, BEFORE, True), (7, BEFORE, False), (5, AFTER, False), (3, BEFORE, False)],
    ids=["still there", "cut", "the last of the cut", "beyond it", "kept afterwards", "changed since"],
)
def test_a_head_kept_before_a_cut_was_accepted_is_covered_by_it(
    tmp_path: Path, number: int, when: datetime, covered: bool
) -> None:
    log = written(tmp_path)
    last = log.head()
    kept = Head(count=number, digest=of_bytes(line(tmp_path, number).read_bytes()) if number < 7 else "f" * 64)
    cut_end(tmp_path)
    taken = log.append(accepting(log.verify((last,)), (last,)))
    for more in (100, 101, 102):
        log.append(event(more))
    if number == 3:
        edit(line(tmp_path, 3), subject="x")
    found = [each for each in log.judge((kept,), {taken.digest}, {kept: when})[0] if each.head]
    assert bool(found) is not covered


def test_a_head_of_a_line_whose_change_was_accepted_is_covered(tmp_path: Path) -> None:
    log = written(tmp_path)
    kept = Head(count=3, digest=of_bytes(line(tmp_path, 3).read_bytes()))
    edit(line(tmp_path, 3), subject="x")
    taken = log.append(accepting(log.verify()))
    assert log.judge((kept,), {taken.digest}, {kept: BEFORE})[0] == []
    edit(line(tmp_path, 3), subject="y")
    assert [each for each in log.judge((kept,), {taken.digest}, {kept: BEFORE})[0] if each.head]


def test_a_foreign_object_among_the_lines_is_named(tmp_path: Path) -> None:
    log = written(tmp_path)
    for name in ("notes.txt", "00000000.json", "000000007.json"):
        (tmp_path / "p" / "audit" / name).write_text("{}")
    assert {finding.reason for finding in log.verify()} == {
        "chain: 'notes.txt' is no line of the log",
        "chain: '00000000.json' is no line of the log",
        "chain: '000000007.json' is no line of the log",
    }
    assert log.append(event(7)).count == 7


def test_a_registry_that_is_gone_stops_an_append(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a file in the way")
    with pytest.raises(OutsideError, match="cannot be read"):
        AuditLog(Store(str(tmp_path), "p")).append(event(1))


def test_the_log_also_lives_behind_an_fsspec_url(tmp_path: Path) -> None:
    log = AuditLog(Store(f"memory://{tmp_path.name}-audit", "p"), KEY)
    for number in range(3):
        log.append(event(number))
    assert log.verify((log.head(),)) == []
    assert len(log.events()) == 3


def test_a_name_with_a_large_number_keeps_nobody_busy(tmp_path: Path) -> None:
    log = written(tmp_path)
    line(tmp_path, 6).rename(tmp_path / "p/audit/999999999999.json")
    begun = time.monotonic()
    lines = lines_named(log)
    assert time.monotonic() - begun < 5.0
    assert lines[:2] == [6, 7] and lines[-1] == 999999999999, "the first missing ones, and the one that was moved"
    assert log.about("x").damaged[-1] == 999999999999
    assert log.append(event(7)).count == 1000000000000
