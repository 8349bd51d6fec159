"""The one way around the site: what every page links, and how pages that are there learn of a new one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateline.report import overview, words
from gateline.report.overview import Link

PAGES = (("index.html", "The line"), ("serving.html", "Serving now"), ("releases.html", "Releases"))
BEGIN, END = "<!--navigation-->", "<!--/navigation-->"
"""Between these a page holds its navigation; no value can hold them, since values are escaped."""
REGION = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)


@dataclass(frozen=True)
class Navigation:
    """Links from the root of the site: its own pages, and the pages of the stages."""

    pages: tuple[Link, ...] = (Link(PAGES[0][1], PAGES[0][0]),)
    stages: tuple[Link, ...] = ()


def navigation(folder: Path, coming: Iterable[str] = ()) -> Navigation:
    """Return links to every page that is there, and to those that are `coming` (paths below the folder)."""
    new = {"index.html", *coming}
    pages = [Link(text, href) for href, text in PAGES if href in new or (folder / href).is_file()]
    named = {entry.stage for entry in overview.entries(folder) if entry.page}
    named |= {path.partition("/")[0] for path in new if path.endswith("/index.html")}
    stages = [Link(words.title(stage), overview.page_of(stage)) for stage in sorted(named, key=overview.rank)]
    return Navigation(tuple(pages), tuple(stages))


def site_pages(folder: Path) -> list[str]:
    """Return the pages of the site that are there, as paths below the folder."""
    own = [*folder.glob("*.html"), *folder.glob(f"{overview.RELEASES}/*.html"), *folder.glob("*/index.html")]
    return sorted({path.relative_to(folder).as_posix() for path in own})


def renewed(text: str, drawn: str) -> str:
    """Return a page with another navigation; one without any, of another tool, is returned as it is."""
    return REGION.sub(lambda _: drawn, text, count=1)
