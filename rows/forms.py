"""Numbers and dates as people write them, and what they are in plain form."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from contracts.schema import Dtype
from rows.text import is_datetime, is_number

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
    return next(
        (form for form in (*_numbers(texts, comma), *_dates(texts)) if _holds(form, first) and _holds(form, texts)),
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
    parts = [found for text in texts if (found := AROUND.fullmatch(text)) is not None]
    if not parts:
        return []
    inner = [found["inner"].strip() for found in parts]
    worn = {found["before"] or found["after"] for found in parts} - {None}
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
    if not how:
        return []
    unit = "; 45% is 45, not 0.45" if "%" in worn else ""
    unit += f"; 1,234 is {'1.234' if comma else '1234'}" if unclear and any("," in each for each in inner) else ""
    told = f"numbers with {' and '.join(how)}: written as plain numbers{unit}"
    worn_by_most = _share(parts, texts) if "%" in worn else 1.0
    return (
        [Form("number", told, lambda text: _plain(text, comma, percent="%" in worn))] if worn_by_most >= ENOUGH else []
    )


def _share(parts: list[re.Match[str]], texts: Mapping[str, int]) -> float:
    """Return the share of the numbers that carry a percent sign: where some do and some do not, their scale is not known."""
    counts = Counter[bool]()
    for found in parts:
        counts[found["after"] == "%"] += texts[found.string]
    return counts[True] / max(counts.total(), 1)


def _plain(text: str, comma: bool, percent: bool) -> str | None:
    found = AROUND.fullmatch(text.strip())
    if found is None or (percent and found["after"] != "%"):
        return None if not is_number(text) or percent else text
    inner = found["inner"].strip()
    if (COMMA if comma else POINT).fullmatch(inner) is None:
        return None
    for sign in BLANKS + ("." if comma else ","):
        inner = inner.replace(sign, "")
    plain = found["sign"] + inner.replace(",", ".")
    return plain if is_number(plain) else None


def _dates(texts: Mapping[str, int]) -> list[Form]:
    """A day and a month can be told apart where points stand between them, or one of the numbers is above 12."""
    forms = [
        Form("datetime", "months: written as their first day", _month),
        Form("datetime", "weeks: written as their Monday", _week),
        Form(
            "datetime", "days written year/month/day: written as 2025-03-14", _reader("%Y/%m/%d", "%Y/%m/%d %H:%M:%S")
        ),
    ]
    split = [
        re.split(r"[/.-]", text)[:2] for text in texts if re.fullmatch(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1[0-9]{4}.*", text)
    ]
    pairs = [(int(first), int(second)) for first, second in split]
    dotted = any(re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}.*", text) for text in texts)
    day_first, month_first = any(one > 12 for one, _ in pairs), any(other > 12 for _, other in pairs)
    if (dotted or day_first) and not month_first:
        forms.append(Form("datetime", "days written day, month, year: written as 2025-03-14", _apart("%d", "%m")))
    if month_first and not day_first:
        forms.append(Form("datetime", "days written month, day, year: written as 2025-03-14", _apart("%m", "%d")))
    return forms


def _month(text: str) -> str | None:
    return f"{text}-01" if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) and is_datetime(f"{text}-01") else None


def _week(text: str) -> str | None:
    found = re.fullmatch(r"([0-9]{4})-?W([0-9]{1,2})", text)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1).isoformat() if found else None
    except ValueError:
        return None


def _apart(first: str, second: str) -> Callable[[str], str | None]:
    days = [f"{first}{sign}{second}{sign}%Y" for sign in "/.-"]
    return _reader(*(f"{day}{clock}" for day in days for clock in ("", " %H:%M", " %H:%M:%S")))


def _reader(*patterns: str) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        for pattern in patterns:
            try:
                moment = datetime.strptime(text, pattern)
            except ValueError:
                continue
            return moment.isoformat(sep=" ") if "%H" in pattern else moment.date().isoformat()
        return None

    return read
