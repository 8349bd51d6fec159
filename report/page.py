"""Self-contained HTML pages: no script, no network request, styles inline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

import contracts.verdict as verdicts
from contracts.digest import short
from report import plots, words
from report.overview import Entry, Link


def verdict(verdict: verdicts.Verdict, extras: Sequence[Link] = ()) -> str:
    """Return the page of one verdict: outcome, rules, what was not judged, metrics, plots, digests."""
    drawn = [(plot, plots.draw(plot, place)) for place, plot in enumerate(verdict.plots, start=1)]
    return _environment().get_template("verdict.html").render(verdict=verdict, plots=drawn, extras=extras)


def overview(entries: Iterable[Entry]) -> str:
    """Return the page that links every stage's page."""
    return _environment().get_template("overview.html").render(entries=list(entries))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": words.number, "title": words.title, "short": short}
    environment.globals |= {
        "icons": words.ICONS,
        "words": words.WORDS,
        "headline": words.headline,
        "marks": words.marks,
        "telling": words.telling,
        "shade": plots.shade,
        "colour": plots.colour,
        "dashes": plots.dashes,
    }
    return environment
