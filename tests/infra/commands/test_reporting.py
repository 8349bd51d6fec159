"""`invoke report` as a user runs it: pages whatever is missing, a copy that stands alone, and a browser where there is one."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path

import pytest

from gateline.contracts.last_run import last_runs
from gateline.contracts.verdict import Outcome
from gateline.registry.releases import Releases
from gateline.settings.errors import UsageError
from infra import commands
from infra.commands import DeployOptions
from infra.host.notes import FolderNotes
from infra.rollout.last_change import Moment
from tests.gateline.report.pages import Page
from tests.gateline.report.test_site import broken_links
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import Site

Capture = pytest.CaptureFixture[str]
REPORTS = Path("reports")


def said(name: str) -> list[str]:
    """Return the texts of a page."""
    return Page.read(REPORTS / name).said()


def test_with_nothing_at_all_there_are_pages_that_say_so(site: Site, capsys: Capture) -> None:
    assert commands.report(False, "") == 0
    assert capsys.readouterr().out == "reports/index.html: 3 pages\n"
    assert "No release has been built yet. Next:" in said("releases.html")
    assert said("index.html").count("not run") == 15
    assert any("no release runs here" in text for text in said("serving.html"))
    assert broken_links(REPORTS, sorted(REPORTS.rglob("*.html"))) == []


@pytest.mark.slow
def test_after_a_deploy_and_a_rollback_everything_is_told(site: Site) -> None:
    first, second = site.release("1"), site.release("2")
    for release in (first, second):
        site.judge("benchmark", Outcome.PASS, release=release.digest)
        assert commands.deploy("staging", release.digest, DeployOptions(unjudged=True), 1.0) == 0
    assert commands.rollback("staging", "", "too slow", False, 1.0, began=Moment.now()) == 0
    assert commands.report(False, "") == 0
    assert broken_links(REPORTS, sorted(REPORTS.rglob("*.html"))) == []
    page = said(f"releases/{second.digest[:16]}.html")
    assert {"Quarantined", "too slow", "upgraded (unjudged)", "rolled back: too slow"} <= set(page)
    assert any(text.startswith("staging until ") for text in page)
    assert "staging: stable, 100%" in said(f"releases/{first.digest[:16]}.html")
    assert first.name in said("serving.html") and "not in the audit log" not in said("serving.html")
    runs = last_runs(REPORTS)
    assert {key: run.release for key, run in runs.items()} == {
        "deploy-staging": second.digest,
        "rollback-staging": second.digest,
    }
    assert f"releases/{second.digest[:16]}.html" in Page.read(REPORTS / "index.html").attributes("href")


def test_where_the_registry_is_gone_what_serves_is_told(site: Site, capsys: Capture) -> None:
    release = site.release()
    site.put(stable=release)
    with registry_gone(site):
        assert commands.report(False, "") == 0
    assert "Not everything here can be trusted" in said("releases.html")
    assert capsys.readouterr().out.count("  registry ") >= 1
    assert release.name in said("serving.html") and "not in the audit log" in said("serving.html")


def test_a_log_that_was_cut_is_said(site: Site) -> None:
    commands.deploy("staging", site.release().digest, DeployOptions(unjudged=True), 1.0)
    site.store.delete("audit/00000002.json")
    assert commands.report(False, "") == 0
    faults = [text for text in said("releases.html") if text.startswith("chain: ")]
    assert faults and "recorded elsewhere as its head" in faults[0]


def test_a_journal_that_is_damaged_is_said_and_stops_nothing(site: Site, capsys: Capture) -> None:
    notes = site.target("staging").engine.notes
    assert isinstance(notes, FolderNotes)
    notes.write("rollout", "{")
    assert commands.report(False, "") == 0
    assert any("is damaged" in text for text in said("serving.html"))
    assert "  staging: not reachable: " in capsys.readouterr().out


def test_a_copy_stands_alone_and_replaces_an_earlier_one(site: Site, tmp_path: Path, capsys: Capture) -> None:
    release, target = site.release(), tmp_path / "a site"
    for _ in range(2):
        assert commands.report(False, str(target)) == 0
        assert f"{target}/index.html: 4 pages" in capsys.readouterr().out
    pages = sorted(target.rglob("*.html"))
    assert [each.relative_to(target) for each in pages] == [
        each.relative_to(REPORTS) for each in sorted(REPORTS.rglob("*.html"))
    ]
    assert broken_links(target, pages) == [] and release.name in Page.read(target / "releases.html").said()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a site"]


@pytest.mark.parametrize("where", ["reports", "reports/site", "."])
def test_a_folder_that_holds_something_else_is_left_alone(site: Site, where: str) -> None:
    before = (site.root / "pipeline.toml").read_bytes()
    with pytest.raises(UsageError, match="--output"):
        commands.report(False, where)
    assert (site.root / "pipeline.toml").read_bytes() == before


@pytest.mark.parametrize("there", [True, False])
def test_it_is_shown_in_the_browser_or_its_address_is_said(
    site: Site, capsys: Capture, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        if not there:
            raise webbrowser.Error("none")
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    assert commands.report(True, "") == 0
    address = (site.root / "reports" / "index.html").resolve().as_uri()
    assert shown == [address]
    assert (f"no browser here: open {address}" in capsys.readouterr().out) is not there


@pytest.mark.slow
def test_two_hundred_releases_take_seconds(site: Site) -> None:
    release = site.release()
    for number in range(200):
        digest = f"{number:08x}" * 8
        named = release.model_copy(update={"digest": digest, "created": f"2013-06-01T10:00:00.{number:03d}+00:00"})
        Releases(site.store).add(named, b"")
        for stage in ("integration", "benchmark", "security", "canary"):
            site.judge(stage, Outcome.PASS, release=digest)
    begun = time.monotonic()
    assert commands.report(False, "") == 0
    assert time.monotonic() - begun < 30.0
    assert len(list((REPORTS / "releases").glob("*.html"))) == 201
    assert (REPORTS / "releases-5.html").is_file()
