"""Write what a gate said: for programs, for a browser, for the CI summary, and for the terminal."""

import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.text import Text

from gateline.contracts.digest import short
from gateline.contracts.files import place
from gateline.contracts.git import sources
from gateline.contracts.last_run import LastRun, Started, leave
from gateline.contracts.verdict import Outcome, Verdict
from gateline.report import history, overview, page, words
from gateline.report.history import History, Serving
from gateline.report.line import line
from gateline.report.overview import navigation, renewed, site_pages
from gateline.settings.variables import SAMPLE_NOTE, is_sample
from gateline.settings.shown import one_line
from gateline.settings.terminal import Terminal

FOLDER = Path("reports")
STYLES = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//)|(?<=www)\.)")


def write(verdict: Verdict, folder: Path = FOLDER) -> Path:
    """Write a stage's verdict, page and Markdown, refresh the overview, print the summary, and return the page's path.

    Where the stage was started by a session or a task, word of its end is left as well: nobody has to do it afterwards.
    Raises OSError where the folder cannot be written; the earlier files are then left as they were.
    """
    if is_sample():
        verdict = verdict.model_copy(update={"notes": (*verdict.notes, SAMPLE_NOTE)})
    home = folder / verdict.stage
    in_markdown, way = markdown(verdict), navigation(folder, [overview.page_of(verdict.stage)])
    place(
        {
            home / "summary.md": in_markdown,
            home / "index.html": page.verdict(verdict, overview.extras(home), way),
            home / "verdict.json": verdict.model_dump_json(indent=2) + "\n",
        }
    )
    started = Started.of_this_process()
    if started is not None and started.stage == verdict.stage:
        if not started.environment:
            started = started.model_copy(update={"environment": verdict.judged.get("environment", "")})
        refresh(folder, started.ended(verdict.exit_code, left_verdict=True))
    else:
        refresh(folder)
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):  # GitHub shows what is appended to it on the run's page
        with open(target, "a", encoding="utf-8") as stream:
            stream.write(in_markdown + "\n")
    show(verdict, home / "index.html")
    return home / "index.html"


def refresh(folder: Path = FOLDER, run: LastRun | None = None) -> Path:
    """Write the page of the pipeline again, from the reports alone, and return its path; `run` is left there before.

    Pages that are there get the navigation of now; a new stage is thus reached from all of them.
    """
    present = sources()
    if run is not None:
        leave(run.model_copy(update={"commit": present.commit, "sources": present.tree}), folder)
    target, way = folder / "index.html", navigation(folder)
    state = line(folder, present, datetime.now(UTC).isoformat(timespec="seconds"))
    released = frozenset(path.relative_to(folder).as_posix() for path in folder.glob(f"{overview.RELEASES}/*.html"))
    changed: dict[Path, str | bytes] = {target: page.line(state, released, way)}
    for here in site_pages(folder):
        text = (folder / here).read_text(encoding="utf-8", errors="replace")
        if folder / here != target and (new := renewed(text, page.navigation(way, here))) != text:
            changed[folder / here] = new
    place(changed)
    return target


def write_site(past: History, present: Serving, folder: Path = FOLDER) -> list[Path]:
    """Write the pages of releases and environments next to those of the stages; return every page, the way in first.

    Pages of releases that are gone are removed, and each stage's page is laid out again from its verdict.
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


def show(verdict: Verdict, page: Path, console: Console | None = None) -> None:
    """Print outcome, every failed or unjudged rule with its reason and next step, and where the page is."""
    out = console or Terminal()
    for each in lines(verdict, page):
        out.print(each, soft_wrap=True)


def lines(verdict: Verdict, page: Path) -> list[Text]:
    """Return the summary, one styled text a line."""
    said = f"{words.ICONS[verdict.outcome]} {words.title(verdict.stage)}: {words.WORDS[verdict.outcome]}"
    first = Text(said, style=f"bold {STYLES[verdict.outcome]}")
    for mark in words.marks(verdict):
        first.append(f" [{mark}]", style="bold magenta" if mark == "rehearsal" else "cyan")
    judged = sum(rule.outcome is not Outcome.INCONCLUSIVE for rule in verdict.rules)
    first.append(f" ({judged} of {words.plural(len(verdict.rules), 'rule')} judged)", style="default")
    listed = [first]
    for rule, subjects in words.alike(words.telling(verdict)):
        required = ", required" if rule.required and rule.outcome is Outcome.INCONCLUSIVE else ""
        word = "failed" if rule.outcome is Outcome.FAIL else f"not judged{required}"
        name = f"{rule.name} ({subjects})" if subjects else rule.name
        lead = Text(f"  {words.ICONS[rule.outcome]} {name}", style=STYLES[rule.outcome])
        listed.append(lead.append(f" {word}: {rule.reason}", style="default"))
        if rule.next_step:
            listed.append(Text(f"      next: {rule.next_step}"))
    listed += [Text(f"  note: {note}", style="dim") for note in verdict.notes]
    return [*listed, Text(f"  page: {page}", style="dim")]


def markdown(verdict: Verdict) -> str:
    """Return outcome, rules and what was not judged as GitHub-flavoured Markdown; values cannot break out of their cell."""
    return _environment().get_template("summary.md").render(verdict=verdict)


def escape(value: object) -> str:
    """Return text that Markdown shows as it is, on one line: no markup, no link, no mention, no formula."""
    return SPECIAL.sub(r"\\\1", one_line(" ".join(str(value).split())))


@cache
def _environment() -> Environment:
    """Autoescape is for HTML; here every value that is not ours passes through `escape`, as `finalize` makes sure."""
    environment = Environment(  # nosec B701: Markdown, escaped by its own filter
        loader=PackageLoader("gateline.report"),
        undefined=StrictUndefined,
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": words.number, "title": words.title, "short": short}
    environment.globals |= {"icons": words.ICONS, "words": words.WORDS, "headline": words.headline, "marks": words.marks}
    return environment
