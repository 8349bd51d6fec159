"""What stands in the reports folder: every stage's verdict and page, and the reports that other tools left there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from gateline.contracts.verdict import Verdict
from gateline.stages import ORDER

RELEASES = "releases"
"""The folder of the releases' pages."""


@dataclass(frozen=True)
class Link:
    """A page to go to: `href` is relative to the page that shows it, and quoted."""

    text: str
    href: str


@dataclass(frozen=True)
class Entry:
    """One stage of the overview. Without a verdict only its pages are known."""

    stage: str
    verdict: Verdict | None
    page: str
    extras: tuple[Link, ...]


def entries(folder: Path) -> list[Entry]:
    """Return every stage that left a verdict or a page, in the order of the line."""
    homes = [path for path in folder.iterdir() if path.is_dir() and path.name != RELEASES] if folder.is_dir() else []
    found = (_entry(home) for home in sorted(homes, key=lambda path: rank(path.name)))
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


def _entry(home: Path) -> Entry:
    prefix = f"{quote(home.name)}/"
    own = page_of(home.name) if (home / "index.html").is_file() else ""
    return Entry(home.name, _verdict(home / "verdict.json"), own, extras(home, prefix))


def _verdict(path: Path) -> Verdict | None:
    """A file that another version wrote, or none, is no verdict; it never stops a page from being written."""
    try:
        return Verdict.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def rank(stage: str) -> tuple[int, str]:
    """Return where a stage stands: in the order of the line, unknown ones last by name."""
    return (ORDER.index(stage) if stage in ORDER else len(ORDER), stage)
