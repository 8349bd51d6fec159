"""The Markdown summary, as CI shows it on a run's page."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateline.contracts.digest import short
from gateline.contracts.verdict import Verdict
from gateline.report import words
from gateline.settings.shown import one_line

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//)|(?<=www)\.)")


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
    environment.globals |= {
        "icons": words.ICONS,
        "words": words.WORDS,
        "headline": words.headline,
        "marks": words.marks,
    }
    return environment
