"""Releases on an engine's host: brought there, vouched for, kept; and what is written down with the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.release import RELEASE_FILE
from gateline.contracts.slots import Slot
from gateline.settings.errors import GateRefused, UsageError
from infra.engines.contract import NOT_STARTED
from infra.host.bundle import verify
from infra.host.processes import wait_until
from infra.releases.signing.provenance import Unsigned
from infra.releases.signing.trust import KEYS, LET_IN, keys_note
from tests.infra import bundles
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment
from tests.infra.releases.signing.signer import Signer


def test_what_was_fetched_is_kept_and_its_files_can_be_read(steady: RunningEnvironment) -> None:
    release = steady.fetched("7")
    kept = [one.digest for one in steady.engine.kept()]
    assert kept.count(steady.stable.digest) == kept.count(release.digest) == 1
    folder = steady.engine.bundle(release)
    verify(folder, release)
    assert (folder / RELEASE_FILE).exists()
    steady.engine.fetch(release, b"not looked at: it is there")


def test_what_is_kept_is_listed_from_the_oldest_to_the_newest(steady: RunningEnvironment) -> None:
    for version in ("9", "8"):
        steady.fetched(version)
    versions = [release.version for release in steady.engine.kept()]
    assert versions.index("1") < versions.index("8") < versions.index("9")


def test_an_archive_that_holds_something_else_is_refused(fresh: RunningEnvironment, tmp_path: Path) -> None:
    fresh.engine.up()
    release = fresh.fetched("1")
    fresh.engine.remove()
    folder = fresh.engine.bundle(release)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    (folder / RELEASE_FILE).write_text("{}", encoding="utf-8")
    _, other = bundles.packed(tmp_path / "other", "6")
    with pytest.raises((GateRefused, UsageError)):
        fresh.engine.fetch(release, other)
    assert [one for one in fresh.engine.kept() if one.digest != release.digest] == []
    with pytest.raises((GateRefused, UsageError)):
        fresh.engine.verify(release)


def test_a_release_that_was_not_fetched_is_refused(steady: RunningEnvironment) -> None:
    release = steady.stable.model_copy(update={"digest": "f" * 64})
    with pytest.raises(UsageError, match=r"release 1.* \(f{12}\)"):
        steady.engine.start(Slot.CANARY, release, 1)
    with pytest.raises(UsageError, match=r"release 1.* \(f{12}\)"):
        steady.engine.verify(release)
    assert Slot.CANARY not in steady.engine.status().slots


def test_without_keys_nobody_is_asked_and_all_the_evidence_holds(steady: RunningEnvironment) -> None:
    release = steady.stable
    assert steady.engine.verify(release) == steady.engine.verify(release, running=True) == "nobody was asked: signing is off"
    checks = list(steady.engine.evidence(Slot.STABLE))
    assert len(checks) >= 3 and all(check.holds for check in checks), checks


def test_where_keys_count_only_what_is_vouched_for_starts(fresh: RunningEnvironment, tmp_path: Path) -> None:
    release = fresh.serving(replicas=1)
    other = fresh.fetched("2")
    fresh.engine.notes.write(KEYS, keys_note([Signer(tmp_path / "key", tmp_path / "project").key]))
    with pytest.raises(Unsigned, match="^signature: 2.* is not signed"):
        fresh.engine.verify(other)
    with pytest.raises(Unsigned, match="^signature: 2.* is not signed"):
        fresh.engine.start(Slot.CANARY, other, 1)
    assert not all(check.holds for check in fresh.engine.evidence(Slot.STABLE))
    fresh.engine.down()
    [told] = fresh.engine.up()
    assert told.startswith(f"{NOT_STARTED}slot stable: ") and "is not signed" in told
    assert not any(replica.alive for replica in fresh.engine.status().slots[Slot.STABLE].replicas)
    fresh.engine.notes.write(LET_IN + release.digest, "let in by hand")
    assert fresh.engine.verify(release) == "let in by hand"
    fresh.engine.up()
    assert wait_until(lambda: fresh.engine.status().slots[Slot.STABLE].share == 1.0, READY_SECONDS)


def test_the_history_is_kept(steady: RunningEnvironment) -> None:
    steady.engine.remember(["a" * 64, steady.stable.digest])
    assert steady.another().history() == ["a" * 64, steady.stable.digest]


def test_notes_are_read_by_the_next_command(steady: RunningEnvironment) -> None:
    notes, next_one = steady.engine.notes, steady.another().notes
    assert notes.read("rollout") is None
    notes.write("rollout", "one")
    notes.update({"rollout": "two", "spool/1": "{}", "spool/2": None})
    assert next_one.read("rollout") == "two" and next_one.names("spool/") == ["spool/1"]
    assert "rollout" in next_one.where("rollout")
    for _ in range(2):
        next_one.remove("rollout")
        next_one.remove("spool/1")
    assert notes.read("rollout") is None and notes.names("spool/") == []


def test_an_environment_that_is_free_is_taken_and_given_back(steady: RunningEnvironment) -> None:
    for _ in range(2):
        assert steady.engine.claim("deploy") == ""
        steady.engine.unclaim()
    assert steady.engine.claim("rollback", rollback=True) == ""
    steady.engine.unclaim()
