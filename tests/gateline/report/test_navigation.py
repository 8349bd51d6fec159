"""The one navigation: on every page the same links, each to a page that is there, also for pages written before."""

from __future__ import annotations

from pathlib import Path

from gateline.report import refresh, write
from gateline.report.overview import navigation, renewed
from tests.gateline.report.examples import HOSTILE, failing, passing
from tests.gateline.report.pages import Page


def ways(page: Path) -> list[str]:
    """Return the addresses in a page's navigation, from the root of the site."""
    text = page.read_text(encoding="utf-8")
    region = text[text.index("<!--navigation-->") : text.index("<!--/navigation-->")]
    return [href.removeprefix("../") for href in Page.read(region).attributes("href")]


def test_only_pages_that_are_there_are_linked(tmp_path: Path) -> None:
    assert [link.href for link in navigation(tmp_path).pages] == ["index.html"]
    (tmp_path / "serving.html").write_text("x")
    assert [link.href for link in navigation(tmp_path).pages] == ["index.html", "serving.html"]
    assert [link.href for link in navigation(tmp_path, ["train/index.html"]).stages] == ["train/index.html"]


def test_pages_written_before_learn_of_a_new_one(tmp_path: Path) -> None:
    first = write(passing("train"), tmp_path)
    assert ways(first) == ["index.html", "train/index.html"]
    write(failing(), tmp_path)
    assert ways(first) == ways(tmp_path / "index.html") == ["index.html", "train/index.html", "benchmark/index.html"]
    assert "Passed" in Page.read(first).said() and Page.read(first).unbalanced == []


def test_the_page_one_is_on_is_marked(tmp_path: Path) -> None:
    page = write(passing("train"), tmp_path)
    for path, here in ((page, "../train/index.html"), (tmp_path / "index.html", "index.html")):
        marked = [found["href"] for tag, found in Page.read(path).tags if found.get("aria-current") == "page"]
        assert marked == [here]


def test_pages_of_other_tools_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "acceptance").mkdir()
    other = tmp_path / "acceptance" / "index.html"
    other.write_text("<p>mine</p>")
    write(passing("train"), tmp_path)
    refresh(tmp_path)
    assert other.read_text() == "<p>mine</p>"
    assert "acceptance/index.html" in ways(tmp_path / "index.html")


def test_no_value_can_pass_for_the_navigation(tmp_path: Path) -> None:
    evil = passing("train").model_copy(update={"notes": ("<!--navigation-->x<!--/navigation-->", HOSTILE)})
    page = write(evil, tmp_path)
    assert page.read_text().count("<!--navigation-->") == 1
    assert renewed(page.read_text(), "new").count("new") >= 1
