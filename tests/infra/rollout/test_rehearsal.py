"""On a runner that is thrown away the registry's champion plays production."""

from __future__ import annotations

from infra.rollout.rehearsal import start_champion
from registry.artifacts import CHAMPION
from tests.infra.site import Site


def test_the_newest_release_of_the_champion_is_started(site: Site) -> None:
    site.release("1")
    champion = site.release("2")
    site.release("3")
    site.target().artifacts.point(CHAMPION, champion.artifact)
    site.target().engine.up()
    assert start_champion(site.target()) == champion
    assert site.seen() == {"stable": ("2", 1.0)}
    assert site.target().journal.read() is None
    assert site.events() == [], "nothing is recorded as deployed: it serves nobody"


def test_without_a_champion_nothing_is_started(site: Site) -> None:
    site.release("1")
    assert start_champion(site.target()) is None
    assert site.seen() == {}
