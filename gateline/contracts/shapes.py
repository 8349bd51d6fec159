"""The common form of a set of strings, as a regular expression, where there is an obvious one."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby

CLASSES = ("[A-Z]", "[a-z]", "[0-9]", "[A-Z0-9]", "[a-z0-9]", "[A-Za-z0-9]")
FEWEST = 20
"""Distinct values that must agree before a form is more than chance."""


def pattern_of(values: Collection[str]) -> str | None:
    """Return a pattern such as `[A-Z]{3}` or `[A-Z]{2}-[0-9]{4}` that every whole value matches, or None."""
    if len(values) < FEWEST:
        return None
    templates = {_template(value) for value in values}
    if len(templates) == 1:
        return templates.pop()
    lengths = {len(value) for value in values}
    if len(lengths) > 1:
        return None
    length = lengths.pop()
    return next((f"{one}{{{length}}}" for one in CLASSES if _all_match(f"{one}{{{length}}}", values)), None)


def _template(value: str) -> str:
    """Return a value's runs of letters and digits as classes, and everything else as it stands."""
    runs = [(kind, len(list(run))) for kind, run in groupby(value, key=_kind)]
    return "".join(f"{kind}{{{length}}}" if kind in CLASSES else kind * length for kind, length in runs)


def _kind(sign: str) -> str:
    return next((one for one in CLASSES[:3] if re.fullmatch(one, sign)), re.escape(sign))


def _all_match(pattern: str, values: Collection[str]) -> bool:
    matches = re.compile(pattern).fullmatch
    return all(matches(value) for value in values)
