"""Quarantine holds on the host alone, and is seen through the registry by everyone else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.event import DEPLOYED, FINISHED, LIFTED, PACKAGED, ROLLED_BACK, UPGRADED, Event
from gateline.registry.audit import AuditLog
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings.errors import OutsideError
from infra.host.notes import FolderNotes
from infra.rollout.quarantine import Quarantine
from infra.rollout.recorder import Recorder

DIGEST = "a" * 64


KEY = "5d41402abc4b2a76b9719d911017c592"  # pragma: allowlist secret


def quarantine(tmp_path: Path, host: str = "one", key: str = "") -> Quarantine:
    store = Store(str(tmp_path / "registry"), "p")
    return Quarantine(FolderNotes(tmp_path / host), Releases(store), AuditLog(store, key))


def record(tmp_path: Path, type: str, key: str = "", about: str = DIGEST, **data: Any) -> None:
    """Let the log tell of the release, as a command with this key would."""
    log = AuditLog(Store(str(tmp_path / "registry"), "p"), key)
    Recorder(log, (FolderNotes(tmp_path / "writer"),), "p", "production").record(type, about, data)


def forget(tmp_path: Path) -> None:
    """Delete both lists, as somebody would who wants the release back."""
    for name in ("one/quarantine.json", f"registry/p/quarantine/{DIGEST}"):
        (tmp_path / name).unlink(missing_ok=True)


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize(
    ("type", "data"),
    [
        (ROLLED_BACK, {"reason": "slow"}),
        (ROLLED_BACK, {"reasons": ["slow"]}),
        (FINISHED, {"change": "rollback", "outcome": "recovered", "quarantined": True, "reason": "slow"}),
    ],
)
def test_deleting_the_lists_lifts_nothing(tmp_path: Path, key: str, type: str, data: dict[str, Any]) -> None:
    record(tmp_path, type, key, **data)
    quarantine(tmp_path).add(DIGEST, "slow")
    forget(tmp_path)
    assert quarantine(tmp_path, key=key).reason(DIGEST) == "slow"
    assert quarantine(tmp_path, key=key).reason("b" * 64) is None


@pytest.mark.parametrize("key", ["", KEY])
def test_deleting_the_event_of_a_rollback_lifts_nothing(tmp_path: Path, key: str) -> None:
    for type in (LIFTED, ROLLED_BACK, UPGRADED):
        record(tmp_path, type, key, reason="slow")
    (tmp_path / "registry/p/audit/00000002.json").unlink()
    kept_apart = quarantine(tmp_path, "another", key)
    assert "line 2 of the audit log was removed" in (kept_apart.reason(DIGEST) or "")
    record(tmp_path, LIFTED, key)
    assert kept_apart.reason(DIGEST) is None


def edited(path: Path) -> None:
    """Let a line tell of another release, in the form in which it is stored: readable, and of its own place."""
    event = Event.model_validate_json(path.read_bytes())
    path.write_bytes(event.model_copy(update={"subject": "c" * 64, "type": FINISHED}).to_bytes())


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize("how", [edited, Path.unlink, lambda path: path.write_text("?")])
def test_changing_the_event_of_a_rollback_lifts_nothing_that_was_there_before(
    tmp_path: Path, key: str, how: Callable[[Path], object]
) -> None:
    for type in (PACKAGED, ROLLED_BACK):
        record(tmp_path, type, key, reason="slow")
    record(tmp_path, PACKAGED, key, about="b" * 64)
    how(tmp_path / "registry/p/audit/00000002.json")
    kept_apart = quarantine(tmp_path, "another", key)
    assert "line 2 of the audit log was removed or changed" in (kept_apart.reason(DIGEST) or "")
    assert kept_apart.reason("b" * 64) is None, "it was built later: the damage says nothing of it"
    assert kept_apart.reason("d" * 64) is not None, "nothing says when it was built"
    record(tmp_path, LIFTED, key)
    assert kept_apart.reason(DIGEST) is None
    log = AuditLog(Store(str(tmp_path / "registry"), "p"), key)
    Recorder(log, (FolderNotes(tmp_path / "writer"),), "p", "build").accept("the disk was full", log.verify(), {})
    assert kept_apart.reason("d" * 64) is None


def test_a_line_that_cannot_be_read_is_no_reason_to_forget(tmp_path: Path) -> None:
    for type in (PACKAGED, ROLLED_BACK):
        record(tmp_path, type, reason="slow")
    record(tmp_path, PACKAGED, about="b" * 64)
    line = tmp_path / "registry/p/audit/00000002.json"
    os.truncate(line, 2**43)  # a hole: it takes no space, and no memory holds it
    with pytest.raises(OutsideError, match="audit/00000002.json' in .* has 8,796,093,022,208 bytes, allowed 16,777,216"):
        AuditLog(Store(str(tmp_path / "registry"), "p")).events()
    kept_apart = quarantine(tmp_path, "another")
    assert "line 2 of the audit log was removed or changed" in (kept_apart.reason(DIGEST) or "")
    assert kept_apart.reason("b" * 64) is None


def test_what_was_cut_off_is_shown_by_a_head_that_is_kept_here(tmp_path: Path) -> None:
    record(tmp_path, PACKAGED)
    record(tmp_path, ROLLED_BACK, reason="slow")
    (tmp_path / "registry/p/audit/00000002.json").unlink()
    log, notes = AuditLog(Store(str(tmp_path / "registry"), "p")), FolderNotes(tmp_path / "writer")
    recorder, built = Recorder(log, (notes,), "p", "production", warn=print), FolderNotes(tmp_path / "build")
    kept_apart = Quarantine(notes, Releases(Store(str(tmp_path / "registry"), "p")), log, recorder, lambda: [built])
    assert "line 2 of the audit log was removed" in (kept_apart.reason(DIGEST) or "")
    assert kept_apart.reason("b" * 64) is not None
    Recorder(log, (built,), "p", "build", recorder.seen, print).record(PACKAGED, "b" * 64, {})
    assert kept_apart.reason("b" * 64) is None, "its building waits to be chained: it is newer than the damage"
    recorder.adopt(recorder.accept("restored from a copy", log.verify(recorder.seen()), {"production": recorder.seen()[0]}))
    assert Quarantine(notes, Releases(Store(str(tmp_path / "registry"), "p")), log, recorder).reason(DIGEST) is None


def test_where_the_log_is_damaged_other_environments_are_asked(tmp_path: Path) -> None:
    left = "b" * 64
    record(tmp_path, FINISHED)
    record(tmp_path, FINISHED)
    record(tmp_path, PACKAGED, about=left)
    staging, gone = FolderNotes(tmp_path / "staging"), FolderNotes(tmp_path / "registry/p/audit/00000001.json")
    staging.write("quarantine", json.dumps({left: "slow in staging"}))
    store = Store(str(tmp_path / "registry"), "p")
    kept_apart = Quarantine(FolderNotes(tmp_path / "one"), Releases(store), AuditLog(store), None, lambda: [gone, staging])
    assert kept_apart.reason(left) is None, "as long as the log is whole, it alone tells of them: another may have lifted it"
    edited(tmp_path / "registry/p/audit/00000001.json")
    assert kept_apart.reason(left) == "slow in staging"


@pytest.mark.parametrize(
    ("type", "data"),
    [(LIFTED, {}), (UPGRADED, {"release_quarantine": True}), (DEPLOYED, {"release_quarantine": True})],
)
def test_an_event_lifts_it_and_another_rollback_sets_it_apart_again(
    tmp_path: Path, type: str, data: dict[str, Any]
) -> None:
    record(tmp_path, ROLLED_BACK, reason="slow")
    record(tmp_path, UPGRADED)
    assert quarantine(tmp_path).reason(DIGEST) == "slow", "that it serves elsewhere lifts nothing"
    record(tmp_path, type, **data)
    assert quarantine(tmp_path).reason(DIGEST) is None
    record(tmp_path, ROLLED_BACK, reason="slow again")
    assert quarantine(tmp_path).reason(DIGEST) == "slow again"


def test_with_a_key_nobody_without_it_lifts_it(tmp_path: Path) -> None:
    record(tmp_path, ROLLED_BACK, KEY, reason="slow")
    record(tmp_path, LIFTED)
    record(tmp_path, LIFTED, "another-key-of-32-bytes-and-more")
    assert quarantine(tmp_path, key=KEY).reason(DIGEST) == "slow"
    record(tmp_path, LIFTED, KEY)
    assert quarantine(tmp_path, key=KEY).reason(DIGEST) is None


@pytest.mark.parametrize("what", ["edited", "cut", "gone"])
def test_a_log_that_cannot_be_read_leaves_what_the_environment_knows(tmp_path: Path, what: str) -> None:
    record(tmp_path, ROLLED_BACK, reason="slow")
    quarantine(tmp_path).add(DIGEST, "slow")
    (tmp_path / f"registry/p/quarantine/{DIGEST}").unlink()
    event = tmp_path / "registry/p/audit/00000001.json"
    event.write_text("?") if what == "edited" else event.unlink() if what == "cut" else shutil.rmtree(tmp_path / "registry")
    assert quarantine(tmp_path).reason(DIGEST) == "slow"


def test_nothing_is_quarantined(tmp_path: Path) -> None:
    assert quarantine(tmp_path).reason(DIGEST) is None


def test_another_host_sees_it_through_the_registry(tmp_path: Path) -> None:
    quarantine(tmp_path).add(DIGEST, "slow")
    assert quarantine(tmp_path, "two").reason(DIGEST) == "slow"
    assert not quarantine(tmp_path, "two").on_host(DIGEST)


def test_it_holds_without_a_registry(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where the folder would be")
    quarantine(tmp_path).add(DIGEST, "slow")
    assert quarantine(tmp_path).reason(DIGEST) == "slow" and quarantine(tmp_path).on_host(DIGEST)
    assert quarantine(tmp_path).reason("b" * 64) is None


def test_it_can_be_lifted(tmp_path: Path) -> None:
    quarantine(tmp_path).add(DIGEST, "slow")
    quarantine(tmp_path).lift(DIGEST)
    assert quarantine(tmp_path).reason(DIGEST) is None
    assert quarantine(tmp_path, "two").reason(DIGEST) is None


def test_the_registry_is_told_later(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where the folder would be")
    quarantine(tmp_path).add(DIGEST, "slow")
    with pytest.raises(OutsideError):
        quarantine(tmp_path).tell()
    (tmp_path / "registry").unlink()
    quarantine(tmp_path).tell()
    assert quarantine(tmp_path, "two").reason(DIGEST) == "slow"
    quarantine(tmp_path, "two").lift(DIGEST)
    quarantine(tmp_path).tell()
    assert quarantine(tmp_path, "two").reason(DIGEST) is None, "it is told once"


def test_the_registry_is_told_of_a_lift_later(tmp_path: Path) -> None:
    registry, away = tmp_path / "registry", tmp_path / "away"
    quarantine(tmp_path).add(DIGEST, "slow")
    registry.rename(away)
    registry.write_text("a file where the folder would be")
    quarantine(tmp_path).lift(DIGEST)
    assert not quarantine(tmp_path).on_host(DIGEST)
    registry.unlink()
    away.rename(registry)
    quarantine(tmp_path).tell()
    assert quarantine(tmp_path).reason(DIGEST) is None


def test_what_is_lifted_is_not_told_any_more(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where the folder would be")
    quarantine(tmp_path).add(DIGEST, "slow")
    (tmp_path / "registry").unlink()
    quarantine(tmp_path).lift(DIGEST)
    quarantine(tmp_path).tell()
    assert quarantine(tmp_path, "two").reason(DIGEST) is None


def test_a_registry_that_is_not_mounted_is_told_once_it_is_back(tmp_path: Path) -> None:
    registry, away, notes = tmp_path / "registry", tmp_path / "away", FolderNotes(tmp_path / "host")
    store = Store(str(registry), "p", lambda: recorder.has_seen_events())
    recorder = Recorder(AuditLog(store), (notes,), "p", "production")
    for _ in range(2):
        recorder.record(FINISHED, DIGEST, {})
    kept_apart = Quarantine(notes, Releases(store), AuditLog(store))
    registry.rename(away)
    kept_apart.add(DIGEST, "slow")
    with pytest.raises(OutsideError, match="emptied, or is not mounted; nothing was written"):
        kept_apart.tell()
    assert kept_apart.on_host(DIGEST) and not registry.exists(), "nothing stands in the way of the one that comes back"
    away.rename(registry)
    kept_apart.tell()
    assert quarantine(tmp_path, "two").reason(DIGEST) == "slow"
    (registry / "p" / "audit" / "00000002.json").unlink()
    kept_apart.add("b" * 64, "a log that was cut is no reason to keep it from the others")
    assert quarantine(tmp_path, "two").reason("b" * 64) is not None


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_list_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "quarantine.json").write_text(text)
    with pytest.raises(OutsideError, match="quarantine.json is damaged"):
        quarantine(tmp_path).reason(DIGEST)
