"""Ranges that a name and the values seen say by themselves: no hour is 35, no month 14, and no share above 1."""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
CYCLES = {
    **dict.fromkeys(("hour", "hr", "hourofday"), (0, 23)),
    **dict.fromkeys(("minute", "second"), (0, 59)),
    **dict.fromkeys(("weekday", "dow", "dayofweek"), (0, 6)),
    **dict.fromkeys(("day", "dom", "dayofmonth"), (1, 31)),
    **dict.fromkeys(("dayofyear", "doy", "yearday", "yday"), (1, 366)),
    **dict.fromkeys(("month", "mon", "mnth", "monthofyear"), (1, 12)),
    **dict.fromkeys(("week", "weekofyear", "weeknumber"), (1, 53)),
    "quarter": (1, 4),
    **dict.fromkeys(("latitude", "lat"), (-90, 90)),
    **dict.fromkeys(("longitude", "lon", "lng"), (-180, 180)),
}
"""What a last word counts, where every value seen is among it, counted from 0 or from 1. Plurals are durations: `months`."""
SHARES = {"share", "ratio", "rate", "prob", "probability", "proba", "fraction", "proportion", "likelihood", "confidence"}
PERCENTS = {"percent", "pct", "percentage", "perc", "prozent", "humidity", "percentile"}
AGES = {"age", "alter"}
OLDEST = 120


def natural(name: str, low: float, high: float) -> tuple[float, float] | None:
    """Return the smallest and the largest value that a column can have, by its name and the values seen; None if unknown.

    Values that do not fit say that the name means something else: 60 in `hour` are the hours of a week's work.
    """
    words = [word.lower() for word in WORD.findall(name)]
    whole = ["".join(words[-3:]), "".join(words[-2:]), *words[-1:]] if "per" not in words else []
    for word in whole:
        bounds = _of_word(word, low, high)
        if bounds is not None:
            return bounds
    if words and words[0] in SHARES | PERCENTS:
        return _of_word(words[0], low, high)
    return (0.0, 1.0) if low >= 0 and high == 1 and low != high else None


def _of_word(word: str, low: float, high: float) -> tuple[float, float] | None:
    if word in CYCLES:
        least, greatest = CYCLES[word]
        bounds = _cycle(least, greatest, low, high)
    elif word in PERCENTS and high > 1:
        bounds = (0.0, 100.0)
    elif word in SHARES | PERCENTS:
        bounds = (0.0, 1.0)
    elif word in AGES:
        bounds = (0.0, float(OLDEST))
    else:
        return None
    return bounds if bounds[0] <= low and high <= bounds[1] else None


def _cycle(least: int, greatest: int, low: float, high: float) -> tuple[float, float]:
    """Some count from 0 and others from 1."""
    if least == 0 and high == greatest + 1:
        return (0.0 if low < 1 else 1.0, float(greatest + 1))
    if least == 1 and low == 0:
        return (0.0, float(greatest))
    return float(least), float(greatest)
