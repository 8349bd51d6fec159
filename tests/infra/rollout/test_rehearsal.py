"""On a runner that is thrown away the registry's champion plays production."""

from __future__ import annotations

import json

import pytest

from gateline.contracts.event import UPGRADED
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import Inconclusive
from infra.rollout.deploy import start_champion
from tests.infra.releases.signing.conftest import Signed, sign, signed
from tests.infra.tiny_project import Site

__all__ = ["signed"]


def test_the_newest_release_of_the_champion_is_started(site: Site) -> None:
    newest = site.release("2", field="size")
    for version in ("1", "2", "3"):
        site.release(version)
    assert site.release("2").artifact == newest.artifact and site.release("2").created < newest.created
    site.target().artifacts.point(CHAMPION, newest.artifact)
    site.target().engine.up()
    assert start_champion(site.target(), site.running()) == newest
    assert site.seen() == {"stable": ("2", 1.0)}
    assert site.target().journal.read() is None
    assert site.events() == [], "nothing is recorded as deployed: it serves nobody"


def test_without_a_champion_nothing_is_started(site: Site) -> None:
    site.release("1")
    assert start_champion(site.target(), site.running()) is None
    assert site.seen() == {}


def test_an_alias_that_is_gone_lets_no_release_rehearse_as_the_first(site: Site) -> None:
    site.release("1")
    facts = {"release": {"version": "v1"}}
    site.target().recorder.record(UPGRADED, "", {**facts, "rehearsal": True})
    started = start_champion(site.target(), site.running())
    assert started is None, "a rehearsal of the first release was no release in production"
    site.target().recorder.record(UPGRADED, "", facts)
    with pytest.raises(Inconclusive, match="v1 was brought into production .*yet no alias 'champion'"):
        start_champion(site.target(), site.running())


def test_where_releases_are_signed_no_other_champion_is_started(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    release = signed.site.release("1")
    signed.site.target().artifacts.point(CHAMPION, release.artifact)
    signed.site.target().engine.up()
    assert start_champion(signed.site.target(), signed.site.running()) is None
    assert signed.site.seen() == {} and "is not signed" in capsys.readouterr().out


@pytest.mark.slow
def test_a_record_that_passes_a_release_off_as_the_champions_starts_nothing(signed: Signed) -> None:
    release, other = signed.site.release("1"), signed.site.release("2")
    for each in (release, other):
        sign(each)
    signed.site.target().artifacts.point(CHAMPION, release.artifact)
    folder = signed.site.root / ".gateline/registry/tiny/releases"
    record = json.loads((folder / f"{other.digest}.json").read_text())
    (folder / f"{other.digest}.json").write_text(json.dumps(record | {"artifact": release.artifact, "created": "2027-01-01"}))
    signed.site.target().engine.up()
    assert start_champion(signed.site.target(), signed.site.running()) is None
    (folder / f"{other.digest}.json").write_text(json.dumps(record))
    assert start_champion(signed.site.target(), signed.site.running()) == release
