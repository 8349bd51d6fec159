"""On a runner that is thrown away the registry's champion plays production."""

from __future__ import annotations

from infra.rollout.rehearsal import start_champion
from registry.artifacts import CHAMPION
from tests.infra.site import Site


def test_the_newest_release_of_the_champion_is_started(site: Site) -> None:
    newest = site.release("2", field="size")
    for version in ("1", "2", "3"):
        site.release(version)
    assert site.release("2").artifact == newest.artifact and site.release("2").created < newest.created
    site.target().artifacts.point(CHAMPION, newest.artifact)
    site.target().engine.up()
    assert start_champion(site.target()) == newest
    assert site.seen() == {"stable": ("2", 1.0)}
    assert site.target().journal.read() is None
    assert site.events() == [], "nothing is recorded as deployed: it serves nobody"


def test_without_a_champion_nothing_is_started(site: Site) -> None:
    site.release("1")
    assert start_champion(site.target()) is None
    assert site.seen() == {}
