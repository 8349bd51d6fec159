"""What a column holds, by its values and its name: the type of nearly all of them, the form of words, the range of numbers."""

import re
from collections.abc import Collection, Mapping
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from gateline.contracts.schema import Dtype
from gateline.rows.forms import ENOUGH
from gateline.rows.text import INTEGER, IS, NUMBER, is_integer

MOST_MARKS = 100
LONGEST_MARK = 80
"""How many texts of one column a schema lists as missing, and of how many characters at most."""
SOME = 0.5
"""With at least this share of numbers, dates or truth values, a column of words is worth a remark."""
WORDS: dict[Dtype, str] = {
    "boolean": "truth values",
    "integer": "whole numbers",
    "number": "numbers",
    "datetime": "dates",
    "string": "words",
}
BEYOND = "a whole number beyond 64 bits"
CALENDAR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")
CLASSES = ("[A-Z]", "[a-z]", "[0-9]", "[A-Z0-9]", "[a-z0-9]", "[A-Za-z0-9]")
FEWEST = 20
"""Distinct values that must agree before a form is more than chance."""
NAME_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
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


class Kind(NamedTuple):
    """The type of a column, the texts that are not of it, and a word on what it is not where that surprises."""

    dtype: Dtype
    strays: tuple[str, ...] = ()
    remark: str = ""


def kind_of(known: Mapping[str, int], *, has_missing: bool = False) -> Kind:
    """Return what nearly all texts of a column are (at least 95 %, counted by rows): the narrowest type of which most are.

    `known` counts the texts, missing ones left out. `007` is a code, and makes the column one of words; so do whole numbers
    that 64 bits do not hold, if they are many. `1990.0` is a whole number only where values are missing, because pandas writes
    it so.
    """
    total = sum(known.values())
    if not total:
        return Kind("string")
    fitting = {dtype: {text for text in known if fits(text)} for dtype, fits in IS.items()}
    shares = {dtype: sum(known[text] for text in texts) / total for dtype, texts in fitting.items()}
    dtype = max(IS, key=lambda each: shares[each])
    if shares[dtype] < ENOUGH:
        big = sum(count for text, count in known.items() if strange(text) == BEYOND)
        if big > (1 - ENOUGH) * total:
            return Kind("string", remark="holds whole numbers beyond 64 bits: read as words")
        few = f"{100 * shares[dtype]:.3g} % of its values are {WORDS[dtype]}, fewer than {100 * ENOUGH:g} %: read as words"
        return Kind("string", remark=few if shares[dtype] >= SOME else "")
    if dtype == "integer":
        plain = [text.strip() for text in known]
        if any(len(text) > 1 and text.lstrip("+-").startswith("0") and text.isdigit() for text in plain):
            return Kind("string", remark="holds whole numbers with leading zeros: they are codes, and stay words")
        if any("." in text for text in fitting[dtype]) and not has_missing:
            dtype = "number"
    return Kind(dtype, tuple(text for text in known if text not in fitting[dtype]))


def kind_of_arrow(column: pa.ChunkedArray, known: Mapping[str, int]) -> Kind | None:
    """Return what a column of a Parquet file is: its own type decides. None for one whose values no column can hold.

    Text stays text however it looks, but for days and times in the form of ISO 8601.
    """
    types, kind = pa.types, column.type
    if types.is_boolean(kind):
        return Kind("boolean")
    if types.is_integer(kind):
        beyond = tuple(text for text in known if not is_integer(text))
        few = counted(known, beyond) <= (1 - ENOUGH) * sum(known.values())
        return Kind("integer", beyond) if few and listed(beyond) == beyond else None
    if types.is_floating(kind):
        strays = tuple(text for text in known if not IS["number"](text))
        return Kind("number", strays) if listed(strays) == strays else None
    if types.is_timestamp(kind) or types.is_date(kind):
        return Kind("datetime")
    if types.is_null(kind):
        return Kind("string")
    if not types.is_string(kind):
        return None
    found = kind_of(known)
    if found.dtype in ("datetime", "string"):
        return found
    return Kind("string", remark=f"is stored as text: it stays text, though it looks like {WORDS[found.dtype]}")


def listed(strays: tuple[str, ...]) -> tuple[str, ...]:
    """Return those texts that a schema may list: a cell of megabytes, or thousands of words, is for nobody to read."""
    return tuple(text for text in strays if len(text) <= LONGEST_MARK)[:MOST_MARKS]


def strange(text: str) -> str:
    """Say what is wrong with a value that is no number or date though it seems one, or nothing."""
    plain = text.strip()
    if CALENDAR.fullmatch(plain) and not IS["datetime"](plain):
        return "a day that no calendar has"
    if re.fullmatch(r"[+-]?(inf|infinity)", plain, re.IGNORECASE):
        return "infinite"
    if re.fullmatch(INTEGER, plain) and not IS["number"](plain):
        return BEYOND
    if re.fullmatch(NUMBER, plain) and not IS["number"](plain):
        return "beyond what 32-bit numbers hold"
    return ""


def counted(known: Mapping[str, int], texts: tuple[str, ...]) -> int:
    """Return in how many rows one of these texts is."""
    return sum(known[text] for text in texts)


def pattern_of(values: Collection[str]) -> str | None:
    """Return a pattern such as `[A-Z]{3}` or `[A-Z]{2}-[0-9]{4}` that every whole value matches, or None."""
    if len(values) < FEWEST:
        return None
    templates, lengths = {_template(value) for value in values}, {len(value) for value in values}
    if len(templates) == 1:
        return templates.pop()
    patterns = [f"{one}{{{length}}}" for one in CLASSES for length in lengths] if len(lengths) == 1 else []
    return next((each for each in patterns if all(map(re.compile(each).fullmatch, values))), None)


def _template(value: str) -> str:
    """Return a value's runs of letters and digits as classes, and everything else as it stands."""

    def kind(sign: str) -> str:
        return next((one for one in CLASSES[:3] if re.fullmatch(one, sign)), re.escape(sign))

    runs = [(one, len(list(run))) for one, run in groupby(value, key=kind)]
    return "".join(f"{one}{{{length}}}" if one in CLASSES else one * length for one, length in runs)


def natural(name: str, low: float, high: float) -> tuple[float, float] | None:
    """Return the smallest and the largest value that a column can have, by its name and the values seen; None if unknown.

    Values that do not fit say that the name means something else: 60 in `hour` are the hours of a week's work.
    """
    words = [word.lower() for word in NAME_WORD.findall(name)]
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
        if least == 0 and high == greatest + 1:  # Some count from 0 and others from 1.
            least, greatest = int(low >= 1), greatest + 1
        bounds = float(0 if least == 1 and low == 0 else least), float(greatest)
    elif word in PERCENTS and high > 1:
        bounds = (0.0, 100.0)
    elif word in SHARES | PERCENTS:
        bounds = (0.0, 1.0)
    elif word in AGES:
        bounds = (0.0, float(OLDEST))
    else:
        return None
    return bounds if bounds[0] <= low and high <= bounds[1] else None
