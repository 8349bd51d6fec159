"""Numbers and dates as people write them, and what they are in plain form."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.schema import Dtype
from rows.dates import readers
from rows.text import is_number

ENOUGH = 0.95
"""Share of a column's known values that must be of a type, or be written in one form, for the column to be of it."""
SAMPLE = 500
"""Different texts that are looked at before all of them are: most columns are words, and that is seen at once."""
MONEY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY|kr|Fr\.?)"
BLANKS = "'\u2019\u00a0\u202f "
AROUND = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<before>{MONEY})?\s*"
    rf"(?P<inner>[+-]?[0-9][0-9.,{BLANKS}]*?|[+-]?[.,][0-9]+)\s*(?P<after>{MONEY}|%)?"
)
GROUPED = rf"[1-9][0-9]{{0,2}}(?:[{BLANKS}][0-9]{{3}})+"
POINT = re.compile(rf"[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+|{GROUPED})(?:\.[0-9]*)?|\.[0-9]+)")
COMMA = re.compile(rf"[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}})+|{GROUPED})(?:,[0-9]*)?|,[0-9]+)")
"""Numbers with a point, or a comma, before the decimals; the other sign, or a blank, may stand between the thousands."""


@dataclass(frozen=True)
class Form:
    """One way of writing values: what it is, an example of it, and how a text of it is put in plain form."""

    dtype: Dtype
    text: str
    """What such values are and how they are written plainly, to be told."""
    convert: Callable[[str], str | None]
    """Return a text's plain form, or None for one that is not of this form."""


def form_of(known: Mapping[str, int], *, comma: bool = False) -> Form | None:
    """Return the form in which nearly all of a column's known values are written, where it is not the plain one.

    `known` counts the texts, missing ones left out; `comma` says that 1,234 is rather 1.234 than 1234. None where the values
    are plain, words, or dates whose day and month cannot be told apart.
    """
    texts = Counter[str]()
    for text, count in known.items():
        texts[text.strip()] += count
    first = Counter(dict(itertools.islice(texts.items(), SAMPLE)))
    if not any(sign.isdigit() for text in first for sign in text):
        return None
    dates = [Form("datetime", told, read) for told, read in readers(texts)]
    return next(
        (form for form in (*_numbers(texts, comma), *dates) if _holds(form, first) and _holds(form, texts)),
        None,
    )


def share_of(form: Form, texts: Counter[str]) -> float:
    """Return the share of values that are written in a form."""
    return sum(count for text, count in texts.items() if form.convert(text) is not None) / max(texts.total(), 1)


def _holds(form: Form, texts: Counter[str]) -> bool:
    return share_of(form, texts) >= (ENOUGH if len(texts) < SAMPLE else ENOUGH * ENOUGH)


def unclear_dates(known: Mapping[str, int]) -> bool:
    """Say whether texts are days of which nobody can tell whether the day or the month stands first."""
    slashed = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-][0-9]{2,4}(?:[ T].*)?").fullmatch
    return bool(known) and all(slashed(text.strip()) for text in known)


def _numbers(texts: Mapping[str, int], hint: bool) -> list[Form]:
    """The decimal sign is a comma where some number can be read in no other way, and none only with a point."""
    found = {text: each for text in texts if (each := AROUND.fullmatch(_signed(text))) is not None}
    parts = list(found.values())
    if not parts:
        return []
    inner = [each["inner"].strip() for each in parts]
    worn = {each["before"] or each["after"] for each in parts} - {None}
    with_point = sum(POINT.fullmatch(each) is not None for each in inner)
    with_comma = sum(COMMA.fullmatch(each) is not None for each in inner)
    unclear = with_comma == with_point
    comma = hint if unclear else with_comma > with_point
    signs = ", ".join(sorted(sign for sign in worn if sign))
    grouped = any(any(sign in each for sign in ("." if comma else ",") + BLANKS) for each in inner)
    how = []
    if comma and any("," in each for each in inner):
        how.append("a comma before the decimals")
    if grouped:
        how.append("signs between the thousands")
    if signs:
        how.append(f"the sign {signs}")
    if any(_signed(text) != text for text in found):
        how.append("a minus of another form, as in (12) or 12-")
    if not how:
        return []
    unit = "; 45% is 45, not 0.45" if "%" in worn else ""
    unit += f"; 1,234 is {'1.234' if comma else '1234'}" if unclear and any("," in each for each in inner) else ""
    told = f"numbers with {' and '.join(how)}: written as plain numbers{unit}"
    worn_by_most = _share(found, texts) if "%" in worn else 1.0
    return (
        [Form("number", told, lambda text: _plain(text, comma, percent="%" in worn))] if worn_by_most >= ENOUGH else []
    )


def _signed(text: str) -> str:
    """Put a plain minus in front of a number that has another one: (12) and 12- as bookkeepers write it, or U+2212."""
    plain = text.replace("\u2212", "-")
    found = re.fullmatch(r"\(([^()+-]*[0-9][^()+-]*)\)|([^()+-]*[0-9][^()+-]*)-", plain)
    return f"-{(found[1] or found[2]).strip()}" if found else plain


def _share(found: Mapping[str, re.Match[str]], texts: Mapping[str, int]) -> float:
    """Return the share of the numbers that carry a percent sign: where some do and some do not, their scale is not known."""
    counts = Counter[bool]()
    for text, part in found.items():
        counts[part["after"] == "%"] += texts[text]
    return counts[True] / max(counts.total(), 1)


def _plain(text: str, comma: bool, percent: bool) -> str | None:
    found = AROUND.fullmatch(_signed(text.strip()))
    if found is None or (percent and found["after"] != "%"):
        return None if not is_number(text) or percent else text
    inner = found["inner"].strip()
    if (COMMA if comma else POINT).fullmatch(inner) is None:
        return None
    for sign in BLANKS + ("." if comma else ","):
        inner = inner.replace(sign, "")
    plain = found["sign"] + inner.replace(",", ".")
    return plain if is_number(plain) else None
