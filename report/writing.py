"""Write what a gate said: for programs, for a browser, for the CI summary, and for the terminal."""

from __future__ import annotations

import os
from pathlib import Path

from contracts.files import place
from contracts.verdict import Verdict
from report import overview, page, summary, terminal
from settings.sample import NOTE, is_sample

FOLDER = Path("reports")


def write(verdict: Verdict, folder: Path = FOLDER) -> Path:
    """Write a stage's verdict, page and Markdown, refresh the overview, print the summary, and return the page's path.

    Raises OSError where the folder cannot be written; the earlier files are then left as they were.
    """
    if is_sample():
        verdict = verdict.model_copy(update={"notes": (*verdict.notes, NOTE)})
    home = folder / verdict.stage
    markdown = summary.markdown(verdict)
    place(
        {
            home / "summary.md": markdown,
            home / "index.html": page.verdict(verdict, overview.extras(home)),
            home / "verdict.json": verdict.model_dump_json(indent=2) + "\n",
        }
    )
    refresh(folder)
    _append_to_step_summary(markdown)
    terminal.show(verdict, home / "index.html")
    return home / "index.html"


def refresh(folder: Path = FOLDER) -> Path:
    """Write the page that links every stage's page anew, and return its path."""
    target = folder / "index.html"
    place({target: page.overview(overview.entries(folder))})
    return target


def _append_to_step_summary(markdown: str) -> None:
    """GitHub shows what is appended to this file on the run's page."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with open(target, "a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
