"""The pages of releases and environments: nothing made up, every link to a page that is there, readable without colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from gateline.contracts.last_run import leave
from gateline.contracts.verdict import Outcome
from gateline.report import page, write, write_site
from gateline.report.history import Change, Environment, Held, History, Judgement, Past, Serving
from tests.gateline.contracts.test_last_run import run
from tests.gateline.report.examples import HOSTILE, failing, passing, plots
from tests.gateline.report.pages import Page

TIME = "2013-06-01T10:00:00+00:00"
EMPTY = History("tiny", "roc_auc", TIME)


def digest(number: int) -> str:
    """Return a release's digest."""
    return f"{number:08x}" * 8


def past(number: int = 1, **more: object) -> Past:
    """Return a release that was judged, deployed and rolled back."""
    plain = Past(
        digest=digest(number),
        name=f"{number}+{digest(number)[:8]}",
        version=str(number),
        artifact=digest(number + 1000),
        commit="c" * 40,
        created=TIME,
        primary=0.91,
        judgements=(
            Judgement("validate_model", Outcome.PASS, "8 rules passed", TIME, metrics={"roc_auc": 0.91}),
            Judgement("smoke", Outcome.PASS, "4 rules passed", TIME, "staging"),
            Judgement("canary", Outcome.FAIL, "errors", TIME),
        ),
        changes=(Change(TIME, "ada (ci)", "production", "canary", "rolled back: errors", run="https://ci.example/1"),),
        now=("staging: stable, 100%",),
        before=("production until 2013-06-01 10:00:00 UTC",),
        quarantine="canary: errors",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def environment(**more: object) -> Environment:
    """Return an environment with a stable release and a canary."""
    slots = (
        Held("stable", "1+00000001", digest(1), 0.9, 2, 2, since=TIME, by="ada", known=True),
        Held("canary", "2+00000002", digest(2), 0.1, 0, 1, restarts=3),
    )
    plain = Environment("production", "process", "http://127.0.0.1:1", slots, ("a canary is held: no traffic",))
    return replace(plain, **more)  # type: ignore[arg-type]


SERVING = Serving("tiny", TIME, (environment(), Environment("staging", "docker", unreachable="no daemon")))


def whole(folder: Path, count: int = 3) -> list[Path]:
    """Write a whole site."""
    write(failing(), folder)
    write(passing("validate_data"), folder)
    (folder / "benchmark" / "locust run.html").write_text("<p>x</p>")
    for number in (1, 2):
        leave(run("deploy", f"e{number}", release=digest(number)), folder)
    listed = tuple(past(number) for number in range(count, 0, -1))
    return write_site(replace(EMPTY, releases=listed, plots=plots()), SERVING, folder)


def broken_links(folder: Path, pages: list[Path]) -> list[str]:
    """Return links that lead to nothing, and addresses that a browser would ask the network for."""
    found = []
    for each in pages:
        read = Page.read(each)
        ids = read.attributes("id")
        for tag, attributes in read.tags:
            for name in ("href", "src", "xlink:href"):
                address = urlsplit(attributes.get(name, ""))
                if address.scheme in ("http", "https"):
                    found += [f"{each}: {tag} {address.geturl()}"] if tag != "a" else []
                elif address.fragment and not address.path:
                    found += [f"{each}: #{address.fragment}"] if address.fragment not in ids else []
                elif address.path and address.scheme != "data":
                    target = each.parent / unquote(address.path)
                    found += [f"{each}: {address.path}"] if not target.is_file() else []
    return found


def test_every_link_leads_somewhere_and_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    pages = whole(tmp_path)
    assert pages[0] == tmp_path / "index.html" and len(pages) == len(set(pages)) == 8
    assert broken_links(tmp_path, pages) == []
    for each in pages:
        assert "url(" not in each.read_text() and "@import" not in each.read_text()


def test_the_check_of_links_sees_a_broken_one(tmp_path: Path) -> None:
    pages = whole(tmp_path)
    (tmp_path / "benchmark" / "index.html").unlink()
    assert broken_links(tmp_path, [pages[0]])
    pages[0].write_text('<img src="https://example.org/x.png"><a href="#nowhere">x</a>')
    assert len(broken_links(tmp_path, [pages[0]])) == 2


def test_pages_are_well_formed_with_unique_ids_and_named_tables(tmp_path: Path) -> None:
    for each in whole(tmp_path):
        read = Page.read(each)
        assert read.unbalanced == [], each
        ids = [found["id"] for tag, found in read.tags if "id" in found]
        assert len(ids) == len(set(ids)), each
        tables = [tag for tag, _ in read.tags].count("table")
        assert tables == [tag for tag, _ in read.tags].count("caption"), each
        assert all(found.get("scope") for tag, found in read.tags if tag == "th"), each
        assert [tag for tag, _ in read.tags].count("h1") == [tag for tag, _ in read.tags].count("main") == 1, each
        assert len([found for tag, found in read.tags if tag == "meta" and "viewport" in found.get("name", "")]) == 1


def test_the_first_stop_of_the_keyboard_skips_the_navigation(tmp_path: Path) -> None:
    for each in whole(tmp_path):
        links = [found for tag, found in Page.read(each).tags if tag == "a"]
        assert links[0] == {"class": "skip", "href": "#content"}, each
        assert not {found.get("tabindex") for _, found in Page.read(each).tags} - {None, "0", "-1"}, each


def test_a_release_is_told_whole(tmp_path: Path) -> None:
    whole(tmp_path)
    read = Page.read(tmp_path / past(2).page)
    said = read.said()
    for word in ("2+00000002", digest(2), digest(1002), "c" * 40, "Quarantined", "canary: errors", "8 rules passed"):
        assert word in said, word
    assert {"staging: stable, 100%", "rolled back: errors", "ada (ci)", "roc_auc"} <= set(said)
    assert "https://ci.example/1" in read.attributes("href")


def test_the_list_shows_each_verdict_as_word_and_sign(tmp_path: Path) -> None:
    whole(tmp_path)
    said = Page.read(tmp_path / "releases.html").said()
    assert said.count("passed") == 6 and said.count("failed") == 3
    assert said.count("quarantined") == 3 and "–" in said


def test_two_hundred_releases_are_paged(tmp_path: Path) -> None:
    pages = whole(tmp_path, 120)
    names = [each.name for each in pages if each.parent == tmp_path]
    assert {"releases.html", "releases-2.html", "releases-3.html"} <= set(names)
    assert broken_links(tmp_path, [tmp_path / name for name in names]) == []
    assert sum("releases/" in href for href in Page.read(tmp_path / "releases-3.html").attributes("href")) == 20
    assert "Over the releases" not in Page.read(tmp_path / "releases-2.html").said()


def test_what_is_gone_from_the_registry_is_gone_from_the_site(tmp_path: Path) -> None:
    whole(tmp_path, 60)
    pages = whole(tmp_path, 1)
    assert not (tmp_path / "releases-2.html").exists() and not (tmp_path / past(7).page).exists()
    assert broken_links(tmp_path, pages) == []


def test_what_serves_is_told_and_what_is_not_known_is_said_so(tmp_path: Path) -> None:
    whole(tmp_path)
    said = Page.read(tmp_path / "serving.html").said()
    assert {"90 %", "10 %", "2 of 2 alive", "0 of 1 alive", "3 restarts", "not in the audit log"} <= set(said)
    assert {"Not reachable", "no daemon", "a canary is held: no traffic"} <= set(said)


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (EMPTY, "No release has been built yet. Next:"),
        (replace(EMPTY, faults=("chain: line 2 was changed",)), "chain: line 2 was changed"),
    ],
)
def test_an_empty_or_a_spoilt_registry_has_a_page(history: History, said: str, tmp_path: Path) -> None:
    pages = write_site(history, Serving("tiny", TIME), tmp_path)
    assert [each.name for each in pages] == ["index.html", "releases.html", "serving.html"]
    assert said in Page.read(tmp_path / "releases.html").said()


def test_every_value_is_escaped() -> None:
    evil = past(version=HOSTILE, name=HOSTILE, quarantine=HOSTILE, now=(HOSTILE,), before=(HOSTILE,))
    evil = replace(evil, changes=(Change(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),))
    held = replace(environment().slots[0], release=HOSTILE, since=HOSTILE, by=HOSTILE)
    texts = (
        page.release(evil, HOSTILE),
        page.releases(replace(EMPTY, project=HOSTILE, metric=HOSTILE, releases=(evil,), faults=(HOSTILE,))),
        page.serving(Serving(HOSTILE, HOSTILE, (environment(slots=(held,), attention=(HOSTILE,)),))),
        page.serving(Serving(HOSTILE, TIME, (environment(unreachable=HOSTILE, next_step=HOSTILE),))),
    )
    for text in texts:
        assert "<script" not in text and Page.read(text).unbalanced == []
        assert sum(HOSTILE in said for said in Page.read(text).said()) >= 2
