"""A target is opened by name; opening it starts nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.manifest import GOLDEN_FILE
from gateline.contracts.release import ARTIFACT_FOLDER
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra import commands
from infra.commands import DeployOptions
from infra.rollout.target import Target, audit_key
from tests.infra import bundles
from tests.infra.tiny_project import Site


def test_an_unknown_name_is_answered_with_the_nearest(site: Site) -> None:
    with pytest.raises(UsageError, match=r"no environment 'prodution'; did you mean 'production'\? \(known: staging"):
        Target.open("prodution")


def test_opening_makes_nothing(site: Site) -> None:
    site.change({"environments.third.port": 20_000})
    assert site.target("third").engine.status().slots == {}
    assert not site.target("third").folder.exists()


def test_production_alone_is_where_the_champion_serves(site: Site) -> None:
    assert site.target("production").is_production and not site.target("staging").is_production


def test_one_command_at_a_time(site: Site) -> None:
    with site.target().exclusively("invoke deploy", 0.0):
        assert (site.target().folder / "lock-holder.json").exists()
    assert not (site.target().folder / "lock-holder.json").exists()


def test_the_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATELINE_AUDIT_KEY", raising=False)
    assert audit_key() == ""
    monkeypatch.setenv("GATELINE_AUDIT_KEY", " sealed-with-16-b\n")
    assert audit_key() == "sealed-with-16-b"


@pytest.mark.parametrize("short", ["hunter2", "fifteen-bytes-x\n", " ", "\n"])
def test_a_short_key_is_refused_and_not_shown(site: Site, monkeypatch: pytest.MonkeyPatch, short: str) -> None:
    monkeypatch.setenv("GATELINE_AUDIT_KEY", short)
    with pytest.raises(UsageError, match="must have at least 16") as caught:
        site.target()
    assert "openssl rand -hex 32" in caught.value.next_step
    assert not short.strip() or short.strip() not in str(caught.value)


def test_what_comes_from_outside_is_printed_as_it_is(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.target().say_unreachable(OSError("no such folder [/mnt/registry]\nmore"), "it is told later")
    said = capsys.readouterr().out
    assert "no such folder [/mnt/registry]; it is told later" in said and "more" not in said


def recorded(site: Site, digest: str, **changes: Any) -> Path:
    """Write the registry's record of a release again, with these changes, and return the folder that it lies in."""
    folder = site.root / ".gateline/registry/tiny/releases"
    record = json.loads((folder / f"{digest}.json").read_text())
    (folder / f"{digest}.json").write_text(json.dumps(record | changes))
    return folder


def test_what_the_registrys_record_says_of_a_release_decides_nothing(site: Site, tmp_path: Path) -> None:
    release, mark = site.release("1"), tmp_path / "ran"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n: > '{mark}'\n")
    program.chmod(0o755)
    about = release.service.model_dump(mode="json") | {"workers": 7}
    recorded(site, release.digest, python=str(program), version="theirs", artifact="f" * 64, service=about, lock="f" * 64)
    for reference in (release.digest, "theirs", ""):
        assert site.target().named(reference) == release
    assert commands.deploy("staging", "theirs", DeployOptions(), 1.0) == 0
    status = site.target("staging").engine.status().slots["stable"]  # type: ignore[index]
    assert status.release == release and len(status.replicas) == 1 and not mark.exists()


def test_an_archive_is_read_once_and_no_other_is_fetched(site: Site) -> None:
    release, other = site.release("1", read="once"), site.release("2")
    target = site.target()
    assert target.named(release.name) == release
    folder = recorded(site, release.digest)
    archive = (folder / f"{release.digest}.tar.gz").read_bytes()
    (folder / f"{release.digest}.tar.gz").write_bytes((folder / f"{other.digest}.tar.gz").read_bytes())
    assert target.archives[release.digest] == archive
    with pytest.raises(GateRefused, match="^digest: the archive of release .* holds "):
        site.target().named(release.digest)


def test_a_release_that_the_registry_cannot_give_must_be_on_the_host(site: Site) -> None:
    release = site.release("1")
    archive = recorded(site, release.digest) / f"{release.digest}.tar.gz"
    site.target().engine.fetch(release, archive.read_bytes())
    for spoilt in (b"spoilt", None):
        archive.write_bytes(spoilt) if spoilt else archive.unlink()
        assert site.target().named(release.digest) == release
    gone = site.release("1", fetched="never")
    recorded(site, gone.digest).joinpath(f"{gone.digest}.tar.gz").unlink()
    with pytest.raises(OutsideError, match=f"holds no archive of release {gone.digest[:12]}"):
        site.target().named(gone.name)


def test_a_release_of_another_project_is_refused(site: Site, tmp_path: Path) -> None:
    release, archive = bundles.packed(tmp_path / "made", "9", project="another")
    Releases(site.store).add(release, archive)
    with pytest.raises(GateRefused, match="is a release of another, this is tiny"):
        site.target().named(release.digest)


def test_golden_rows_and_reference_that_were_edited_on_the_host_are_not_read(site: Site) -> None:
    release = site.release("1", edited=True)
    site.target().engine.fetch(release, site.target().releases.archive(release.digest))
    golden = site.target().bundle(release) / ARTIFACT_FOLDER / GOLDEN_FILE
    before = golden.read_bytes()
    golden.chmod(0o644)
    golden.write_text("{}")
    with pytest.raises(GateRefused, match="digest: the files of"):
        site.target().bundle(release)
    golden.write_bytes(before)
    assert site.target().bundle(release)
