"""Write what a gate said: for programs, for a browser, for the CI summary, and for the terminal."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.files import place
from gateline.contracts.sources import sources
from gateline.contracts.verdict import Verdict
from gateline.report import history, overview, page, summary, terminal
from gateline.report.history import History
from gateline.report.line import line
from gateline.report.navigation import navigation, renewed, site_pages
from gateline.report.serving import Serving
from gateline.settings.sample import NOTE, is_sample

FOLDER = Path("reports")


def write(verdict: Verdict, folder: Path = FOLDER) -> Path:
    """Write a stage's verdict, page and Markdown, refresh the overview, print the summary, and return the page's path.

    Raises OSError where the folder cannot be written; the earlier files are then left as they were.
    """
    if is_sample():
        verdict = verdict.model_copy(update={"notes": (*verdict.notes, NOTE)})
    home = folder / verdict.stage
    markdown, way = summary.markdown(verdict), navigation(folder, [overview.page_of(verdict.stage)])
    place(
        {
            home / "summary.md": markdown,
            home / "index.html": page.verdict(verdict, overview.extras(home), way),
            home / "verdict.json": verdict.model_dump_json(indent=2) + "\n",
        }
    )
    refresh(folder)
    _append_to_step_summary(markdown)
    terminal.show(verdict, home / "index.html")
    return home / "index.html"


def refresh(folder: Path = FOLDER) -> Path:
    """Write the page of the line anew, from the reports alone, and return its path.

    Pages that are there get the navigation of now; a new stage is thus reached from all of them.
    """
    target, way = folder / "index.html", navigation(folder)
    state = line(folder, sources(), datetime.now(UTC).isoformat(timespec="seconds"))
    released = frozenset(path.relative_to(folder).as_posix() for path in folder.glob(f"{overview.RELEASES}/*.html"))
    changed: dict[Path, str | bytes] = {target: page.line(state, released, way)}
    for here in site_pages(folder):
        text = (folder / here).read_text(encoding="utf-8", errors="replace")
        if folder / here != target and (new := renewed(text, page.navigation(way, here))) != text:
            changed[folder / here] = new
    place(changed)
    return target


def write_site(past: History, present: Serving, folder: Path = FOLDER) -> list[Path]:
    """Write the pages of releases and environments beside those of the stages; return every page, the way in first.

    Pages of releases that are gone are removed, and each stage's page is laid out anew from its verdict.
    """
    lists = [history.list_page(number + 1) for number in range(len(past.pages))]
    way = navigation(folder, ["serving.html", *lists])
    pages = {"serving.html": page.serving(present, way)}
    pages |= {name: page.releases(past, number, way) for number, name in enumerate(lists, start=1)}
    pages |= {release.page: page.release(release, past.metric, way) for release in past.releases}
    for entry in overview.entries(folder):
        if entry.verdict and entry.page:
            pages[entry.page] = page.verdict(entry.verdict, overview.extras(folder / entry.stage), way)
    place({folder / name: text for name, text in pages.items()})
    for name in site_pages(folder):
        if name.startswith("releases") and name not in pages:
            (folder / name).unlink()
    target = refresh(folder)
    return [target, *(folder / name for name in site_pages(folder) if folder / name != target)]


def _append_to_step_summary(markdown: str) -> None:
    """GitHub shows what is appended to this file on the run's page."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with open(target, "a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
