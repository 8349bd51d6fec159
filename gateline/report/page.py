"""Self-contained HTML pages: no script, no network request, styles inline, one navigation."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import gateline.contracts.verdict as verdicts
from gateline.contracts.digest import short
from gateline.contracts.verdict import Plot
from gateline.report import history, plots, words
from gateline.report.history import History, Past, Serving
from gateline.report.line import Line
from gateline.report.overview import Link, Navigation, page_of
from gateline.settings.shown import one_line

ALONE = Navigation()


def verdict(verdict: verdicts.Verdict, extras: Sequence[Link] = (), navigation: Navigation = ALONE) -> str:
    """Return the page of one verdict: outcome, rules, what was not judged, metrics, plots, digests."""
    here = page_of(verdict.stage)
    return _render("verdict.html", here, navigation, verdict=verdict, plots=_drawn(verdict.plots), extras=extras)


def line(line: Line, releases: frozenset[str] = frozenset(), navigation: Navigation = ALONE) -> str:
    """Return the page of the pipeline's state; `releases` are the addresses of the releases' pages that are there."""
    return _render("line.html", "index.html", navigation, line=line, releases=releases)


def serving(serving: Serving, navigation: Navigation = ALONE) -> str:
    """Return the page of what serves now."""
    return _render("serving.html", "serving.html", navigation, serving=serving)


def releases(past: History, number: int = 1, navigation: Navigation = ALONE) -> str:
    """Return one page of the list of releases, the first being 1; the first has the plots."""
    here, listed = history.list_page(number), past.pages[number - 1]
    drawn = _drawn(past.plots) if number == 1 else []
    return _render("releases.html", here, navigation, history=past, listed=listed, number=number, plots=drawn)


def release(release: Past, metric: str, navigation: Navigation = ALONE) -> str:
    """Return the page of one release: what it is, how it was judged, what was done with it."""
    return _render("release.html", release.page, navigation, release=release, metric=metric)


def navigation(navigation: Navigation, here: str) -> str:
    """Return the navigation as the page at `here` holds it, markers included."""
    return _render("navigation.html", here, navigation)


def _render(template: str, here: str, navigation: Navigation, **values: Any) -> str:
    up = "../" * here.count("/")
    return _environment().get_template(template).render(navigation=navigation, here=here, up=up, **values)


def _drawn(listed: Sequence[Plot]) -> list[tuple[Plot, Any]]:
    return [(plot, plots.draw(plot, place)) for place, plot in enumerate(listed, start=1)]


def _shown(value: Any) -> Any:
    """Markup is escaped by autoescape; this is for signs that would turn a line round, or hide in it."""
    return one_line(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gateline.report"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": words.number, "title": words.title, "short": short}
    environment.filters |= {"moment": words.moment, "duration": words.duration, "commit": words.commit}
    environment.globals |= {"icons": words.ICONS, "words": words.WORDS, "plural": words.plural}
    environment.globals |= {"headline": words.headline, "marks": words.marks}
    environment.globals |= {"telling": words.telling, "alike": words.alike}
    environment.globals |= {"columns": history.COLUMNS, "list_page": history.list_page, "release_page": history.page_of}
    environment.globals |= {"shade": plots.shade, "colour": plots.colour, "dashes": plots.dashes}
    return environment
