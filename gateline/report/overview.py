"""What the reports folder holds, and the one way around it: verdicts, pages, and the reports that other tools left."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from gateline.contracts.verdict import Verdict
from gateline.report import words
from gateline.stages import ORDER

RELEASES = "releases"
"""The folder of the releases' pages."""
PAGES = {"index.html": "Pipeline", "serving.html": "Serving now", "releases.html": "Releases"}
REGION = re.compile("<!--navigation-->.*?<!--/navigation-->", re.DOTALL)
"""Where a page holds its navigation; no value can pass for it, since values are escaped."""


@dataclass(frozen=True)
class Link:
    """A page to go to: `href` is relative to the page that shows it, and quoted."""

    text: str
    href: str


@dataclass(frozen=True)
class Entry:
    """One stage of the overview. Without a verdict only its pages are known."""

    stage: str
    verdict: Verdict | None = None
    page: str = ""
    extras: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Navigation:
    """Links from the root of the site: its own pages, and the pages of the stages."""

    pages: tuple[Link, ...] = (Link(PAGES["index.html"], "index.html"),)
    stages: tuple[Link, ...] = ()


def entries(folder: Path) -> list[Entry]:
    """Return every stage that left a verdict or a page, in the order of the pipeline."""
    homes = [path for path in folder.iterdir() if path.is_dir() and path.name != RELEASES] if folder.is_dir() else []
    found = []
    for home in sorted(homes, key=lambda path: _rank(path.name)):
        own = page_of(home.name) if (home / "index.html").is_file() else ""
        found.append(Entry(home.name, _verdict(home / "verdict.json"), own, extras(home, f"{quote(home.name)}/")))
    return [entry for entry in found if entry.verdict or entry.page or entry.extras]


def extras(home: Path, prefix: str = "") -> tuple[Link, ...]:
    """Return links to the pages that other tools left in a stage's folder, relative to it (or below `prefix`)."""
    pages = [path for path in sorted(home.glob("*.html")) if path.name != "index.html"]
    pages += [path for path in (home / "coverage" / "index.html",) if path.is_file()]
    names = (path.relative_to(home).as_posix() for path in pages)
    return tuple(Link(name.removesuffix("/index.html").removesuffix(".html"), prefix + quote(name)) for name in names)


def page_of(stage: str) -> str:
    """Return the address of a stage's page from the root of the site."""
    return f"{quote(stage)}/index.html"


def navigation(folder: Path, coming: Iterable[str] = ()) -> Navigation:
    """Return links to every page that is there, and to those that are `coming` (paths below the folder)."""
    new = {"index.html", *coming}
    pages = [Link(text, href) for href, text in PAGES.items() if href in new or (folder / href).is_file()]
    named = {entry.stage for entry in entries(folder) if entry.page}
    named |= {path.partition("/")[0] for path in new if path.endswith("/index.html")}
    return Navigation(tuple(pages), tuple(Link(words.title(stage), page_of(stage)) for stage in sorted(named, key=_rank)))


def site_pages(folder: Path) -> list[str]:
    """Return the pages of the site that are there, as paths below the folder."""
    own = [*folder.glob("*.html"), *folder.glob(f"{RELEASES}/*.html"), *folder.glob("*/index.html")]
    return sorted({path.relative_to(folder).as_posix() for path in own})


def renewed(text: str, drawn: str) -> str:
    """Return a page with another navigation; one without any, of another tool, is returned as it is."""
    return REGION.sub(lambda _: drawn, text, count=1)


def _verdict(path: Path) -> Verdict | None:
    """A file that another version wrote, or none, is no verdict; it never stops a page from being written."""
    try:
        return Verdict.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _rank(stage: str) -> tuple[int, str]:
    """Unknown stages come last, by name."""
    return (ORDER.index(stage) if stage in ORDER else len(ORDER), stage)
