"""Releases: seen when whole, found by each of their names, and quarantined."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Service
from gateline.settings.errors import GateRefused, UsageError


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(Store(str(tmp_path), "p"))


def release(digit: str, created: str = "2026-01-01", version: str = "20261124-abc1234") -> Release:
    return Release(
        digest=digit * 64,
        version=version,
        artifact="a" * 64,
        project="p",
        lock="l",
        python="3.11",
        service=Service(),
        created=created,
    )


def test_a_release_comes_back_with_its_archive(releases: Releases) -> None:
    releases.add(release("1"), b"packed")
    assert releases.archive("1" * 64) == b"packed"
    assert releases.get("1" * 64) == release("1")
    assert releases.has("1" * 64)
    assert not releases.has("2" * 64)


def test_an_archive_too_large_is_neither_kept_nor_read(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gateline.registry.releases.LARGEST", 6)
    releases.add(release("1"), b"packed")
    assert releases.archive("1" * 64) == b"packed"
    with pytest.raises(GateRefused, match="packs to 7 bytes, allowed 6"):
        releases.add(release("2"), b"larger!")
    (tmp_path / "p" / "releases" / f"{'1' * 64}.tar.gz").write_bytes(b"larger!")
    with pytest.raises(GateRefused, match="digest: .* has 7 bytes, allowed 6"):
        releases.archive("1" * 64)


def test_a_version_that_is_anothers_digest_leads_nowhere(releases: Releases) -> None:
    releases.add(release("1"), b"")
    releases.add(release("2", "2027-01-01", "1" * 64), b"")
    assert releases.resolve("1" * 64) == release("1")


def test_an_archive_without_its_record_is_no_release_yet(releases: Releases, tmp_path: Path) -> None:
    releases.add(release("1"), b"packed")
    (tmp_path / "p" / "releases" / f"{'1' * 64}.json").unlink()
    assert not releases.has("1" * 64)
    assert releases.all() == []


def test_releases_are_listed_oldest_first(releases: Releases) -> None:
    for digit, created in (("1", "2026-01-02"), ("2", "2026-01-01"), ("3", "2026-01-03")):
        releases.add(release(digit, created), b"")
    assert [each.digest[0] for each in releases.all()] == ["2", "1", "3"]


def test_the_release_that_was_chosen_stands_for_no_name(releases: Releases) -> None:
    with pytest.raises(UsageError, match="no release is built yet"):
        releases.resolve("")
    releases.add(release("1"), b"")
    releases.add(release("2"), b"")
    releases.choose("1" * 64)
    assert releases.resolve("") == releases.chosen() == release("1")


def test_every_name_of_a_release_leads_to_it(releases: Releases) -> None:
    releases.add(release("1", "2026-01-01"), b"")
    releases.add(release("2", "2026-01-02"), b"")
    for reference in ("1" * 64, "1" * 8, release("1").name):
        assert releases.resolve(reference) == release("1", "2026-01-01")
    assert releases.resolve("20261124-abc1234") == release("2", "2026-01-02")


@pytest.mark.parametrize("reference", ["1" * 7, "20261124-abc1235", "3" * 64])
def test_an_unknown_release_is_refused_with_those_there_are(releases: Releases, reference: str) -> None:
    releases.add(release("1"), b"")
    with pytest.raises(UsageError, match=f"no release '{reference}'") as caught:
        releases.resolve(reference)
    assert "20261124-abc1234+11111111" in caught.value.next_step


def test_a_quarantine_is_kept_with_its_reason_until_it_is_released(releases: Releases) -> None:
    assert releases.quarantined("1" * 64) is None
    releases.quarantine("1" * 64, "5 % of its answers were 5xx")
    assert releases.quarantined("1" * 64) == "5 % of its answers were 5xx"
    assert releases.quarantined("2" * 64) is None
    releases.release_quarantine("1" * 64)
    releases.release_quarantine("1" * 64)
    assert releases.quarantined("1" * 64) is None


@pytest.mark.parametrize("spoilt", [b"", b"{}", release("2").model_dump_json().encode()])
def test_a_spoilt_record_is_refused_by_the_rule_digest(releases: Releases, tmp_path: Path, spoilt: bytes) -> None:
    releases.add(release("1"), b"packed")
    (tmp_path / "p" / "releases" / f"{'1' * 64}.json").write_bytes(spoilt)
    for read in (lambda: releases.get("1" * 64), releases.all):
        with pytest.raises(
            GateRefused, match="digest: 111111111111 (is not readable|holds the record of release 2222)"
        ):
            read()


@pytest.mark.parametrize("version", ["[red]1", "<b>1</b>", "../1", "1\n2", "1\x1b[2J", "a|b", "\u202e1"])
def test_a_version_that_is_no_plain_name_is_refused(releases: Releases, tmp_path: Path, version: str) -> None:
    releases.add(release("1").model_copy(update={"version": version}), b"packed")
    for read in (releases.get, releases.resolve):
        with pytest.raises(GateRefused, match="is not readable: version: String should match"):
            read("1" * 64)


@pytest.mark.parametrize("named", [b"../../x", b"\xff\xfe", b"[red]"])
def test_a_choice_that_names_no_release_is_refused(releases: Releases, tmp_path: Path, named: bytes) -> None:
    releases.add(release("1"), b"packed")
    (tmp_path / "p" / "aliases").mkdir()
    (tmp_path / "p" / "aliases" / "release").write_bytes(named)
    with pytest.raises(GateRefused, match="no name of an object"):
        releases.chosen()
