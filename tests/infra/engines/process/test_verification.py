"""Releases on this host."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateline.settings import Service
from gateline.settings.errors import GateRefused, UsageError
from infra.engines.process import verification
from infra.host import unpacked
from infra.host.layout import Layout
from tests.infra import bundles


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "project" / ".gateline", "tiny", "production")


def test_a_fetched_release_is_read_only_and_can_be_started(place: Layout, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made")
    unpacked.fetch(place, release, archive)
    assert Path(verification.startable(place, release)[1]).exists()
    paths = [place.bundle(release.digest), *place.bundle(release.digest).rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o555, 0o444}


def test_releases_are_listed_oldest_first(place: Layout, tmp_path: Path) -> None:
    assert unpacked.kept(place) == []
    made = [bundles.packed(tmp_path / version, version) for version in ("2", "1", "3")]
    for release, archive in made:
        unpacked.fetch(place, release, archive)
    assert [release.version for release in unpacked.kept(place)] == ["1", "2", "3"]


def test_fetching_again_changes_nothing(place: Layout, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made")
    unpacked.fetch(place, release, archive)
    before = place.bundle(release.digest).stat().st_ino
    unpacked.fetch(place, release, b"not looked at")
    assert place.bundle(release.digest).stat().st_ino == before


def test_an_archive_of_another_release_is_refused_and_not_kept(place: Layout, tmp_path: Path) -> None:
    release, _ = bundles.packed(tmp_path / "made")
    _, other = bundles.packed(tmp_path / "other", latency=1)
    with pytest.raises(GateRefused, match="^digest: the archive of release "):
        unpacked.fetch(place, release, other)
    assert unpacked.kept(place) == [] and not place.bundle(release.digest).exists()
    assert [path.name for path in place.releases.iterdir()] == [f".{release.digest}.lock"]


def test_a_release_changed_on_disk_is_not_started_and_is_fetched_again(place: Layout, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made")
    unpacked.fetch(place, release, archive)
    changed = place.bundle(release.digest) / "service" / "__main__.py"
    changed.chmod(0o644)
    changed.write_text("print('something else')")
    with pytest.raises(GateRefused, match="^digest: the files of 1"):
        verification.startable(place, release)
    unpacked.fetch(place, release, archive)
    assert changed.read_text() == bundles.SOURCE.read_text() and verification.startable(place, release)


def test_the_record_inside_the_bundle_decides_what_is_started(place: Layout, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made")
    program = tmp_path / "program"
    said = release.model_copy(update={"python": str(program), "version": "2", "service": Service(workers=9)})
    unpacked.fetch(place, said, archive)
    known, python = verification.startable(place, said)
    assert known == release and Path(python).parents[2] == place.envs
    with pytest.raises(GateRefused, match="is no interpreter of this environment's"):
        verification.require(place, release, str(program))


def test_a_record_that_cannot_be_read_hides_no_other_release(place: Layout, tmp_path: Path) -> None:
    made = [bundles.packed(tmp_path / version, version) for version in ("1", "2")]
    for release, archive in made:
        unpacked.fetch(place, release, archive)
    record = place.bundle(made[0][0].digest) / "release.json"
    record.chmod(0o644)
    record.write_text("{}")
    assert unpacked.kept(place) == [made[1][0]]
    record.write_text(made[1][0].model_dump_json())
    assert {one.digest for one in unpacked.kept(place)} == {one.digest for one, _ in made}, "known by the folder"
    with pytest.raises(GateRefused, match="^digest: the files of"):
        unpacked.verified(place, made[0][0])


def test_a_release_that_is_not_here_is_named(place: Layout, tmp_path: Path) -> None:
    release, _ = bundles.packed(tmp_path / "made")
    with pytest.raises(UsageError, match=rf"release 1\+.* \({release.digest[:12]}\) is not on this host"):
        verification.startable(place, release)


def test_a_spoiled_folder_does_not_hide_the_other_releases(place: Layout, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made")
    unpacked.fetch(place, release, archive)
    (place.releases / ("f" * 64)).mkdir()
    assert unpacked.kept(place) == [release]
