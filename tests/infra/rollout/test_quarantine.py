"""Quarantine holds on the host alone, and is seen through the registry by everyone else."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event import FINISHED
from infra.engines.notes import FolderNotes
from infra.rollout.quarantine import Quarantine
from infra.rollout.recorder import Recorder
from registry.audit import AuditLog
from registry.releases import Releases
from registry.store import Store
from settings.errors import OutsideError

DIGEST = "a" * 64


def quarantine(tmp_path: Path, host: str = "one") -> Quarantine:
    return Quarantine(FolderNotes(tmp_path / host), Releases(Store(str(tmp_path / "registry"), "p")))


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
    kept_apart = Quarantine(notes, Releases(store))
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
