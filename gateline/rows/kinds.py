"""What a column holds: the type of nearly all of its values, and which are not of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
CALENDAR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")


@dataclass(frozen=True)
class Kind:
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
        return Kind("string", remark=_mixed(dtype, shares[dtype], known))
    if dtype == "integer":
        code = next((text for text in known if _is_code(text)), None)
        if code is not None:
            return Kind("string", remark="holds whole numbers with leading zeros: they are codes, and stay words")
        if any("." in text for text in fitting[dtype]) and not has_missing:
            dtype = "number"
    return Kind(dtype, tuple(text for text in known if text not in fitting[dtype]))


def kind_of_arrow(column: pa.ChunkedArray, known: Mapping[str, int]) -> Kind | None:
    """Return what a column of a Parquet file is: its own type decides. None for one whose values no column can hold.

    Text stays text, whatever it looks like, but for days and times in the form of ISO 8601.
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
        return "a whole number beyond 64 bits"
    if re.fullmatch(NUMBER, plain) and not IS["number"](plain):
        return "beyond what 32-bit numbers hold"
    return ""


def _mixed(dtype: Dtype, share: float, known: Mapping[str, int]) -> str:
    big = sum(count for text, count in known.items() if strange(text) == "a whole number beyond 64 bits")
    if big > (1 - ENOUGH) * sum(known.values()):
        return "holds whole numbers beyond 64 bits: read as words"
    if share < SOME:
        return ""
    return f"{100 * share:.3g} % of its values are {WORDS[dtype]}, fewer than {100 * ENOUGH:g} %: read as words"


def _is_code(text: str) -> bool:
    plain = text.strip()
    return len(plain) > 1 and plain.lstrip("+-").startswith("0") and plain.isdigit()


def counted(known: Mapping[str, int], texts: tuple[str, ...]) -> int:
    """Return in how many rows one of these texts is."""
    return sum(known[text] for text in texts)
