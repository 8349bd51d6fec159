"""How values are written in text: what a CSV's reader, the schema's inference and the rules agree on."""

from __future__ import annotations

import json
import re

MISSING = ("", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "Null", "null", "None", "NaT")
"""What stands for a missing number, integer, boolean or datetime; of a string, the empty one alone ('NA' may be a name)."""

TRUE = ("true", "True", "TRUE", "1")
FALSE = ("false", "False", "FALSE", "0")

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
INTEGER = r"[+-]?[0-9]+(?:\.0*)?"
"""Whole numbers; `1990.0` is one, because that is how pandas writes a whole number in a column with missing values."""
DATETIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
"""ISO 8601 date, or date and time; without an offset it is UTC."""


def is_number(text: str) -> bool:
    """Say whether `text` is a finite decimal number."""
    return re.fullmatch(NUMBER, text.strip()) is not None


def is_integer(text: str) -> bool:
    """Say whether `text` is a whole number."""
    return re.fullmatch(INTEGER, text.strip()) is not None


def is_datetime(text: str) -> bool:
    """Say whether `text` has the form of an ISO 8601 date or time."""
    return re.fullmatch(DATETIME, text.strip()) is not None


def printable(text: str) -> str:
    """Return `text` on one line, control characters written out: what others wrote can move, colour or erase nothing."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
