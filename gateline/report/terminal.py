"""The compact summary that a command ends with on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from gateline.contracts.verdict import Outcome, Verdict
from gateline.report import words
from gateline.settings.terminal import Terminal

STYLES = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


def show(verdict: Verdict, page: Path, console: Console | None = None) -> None:
    """Print outcome, every failed or unjudged rule with its reason and next step, and where the page is."""
    out = console or Terminal()
    for line in lines(verdict, page):
        out.print(line, soft_wrap=True)


def lines(verdict: Verdict, page: Path) -> list[Text]:
    """Return the summary, one styled text a line."""
    listed = [_first(verdict)]
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


def _first(verdict: Verdict) -> Text:
    style = f"bold {STYLES[verdict.outcome]}"
    line = Text(
        f"{words.ICONS[verdict.outcome]} {words.title(verdict.stage)}: {words.WORDS[verdict.outcome]}", style=style
    )
    for mark in words.marks(verdict):
        line.append(f" [{mark}]", style="bold magenta" if mark == "rehearsal" else "cyan")
    judged = sum(rule.outcome is not Outcome.INCONCLUSIVE for rule in verdict.rules)
    return line.append(f" ({judged} of {words.plural(len(verdict.rules), 'rule')} judged)", style="default")
