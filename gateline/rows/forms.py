"""Numbers and dates as people write them, and what they are in plain form."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from gateline.contracts.schema import Dtype
from gateline.rows.dates import MONTHS, readers
from gateline.rows.text import is_number
from gateline.settings.shown import shown

ENOUGH = 0.95
"""Share of a column's known values that must be of a type, or be written in one form, for the column to be of it."""
SAMPLE = 500
"""Different texts that are looked at before all of them are: most columns are words, and that is seen at once."""
WIDE = {"．": ".", "，": ",", "％": "%", "－": "-", "＋": "+", "￥": "¥", "\u3000": " ", "٫": ".", "٬": ","}
MONEY = (
    r"(?:[A-Z]{0,3}[$€£¥₹₽₩₺₴₦₫₱฿₪]|USD|EUR|GBP|CHF|JPY|CNY|RUB|INR|BRL|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|KRW|MXN|ZAR"
    r"|SGD|HKD|ILS|THB|kr|Fr\.?|Rs\.?)"
)
SAME_MONEY = {"$": "usd", "us$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr", "rs": "inr", "₽": "rub", "fr": "chf"}
SIGN = re.compile(rf"(?:{MONEY}|%| )+")
UNIT = r"(?:[^\W\d_]|[°'\"′″‰+*/])(?:[^\W\d_]|[°'\"′″‰²³/·.^ -]|(?<=[^\W\d_])[23](?![0-9])){0,19}"
"""What stands after a measure: kg, km/h, m2, °C, sq ft, ', +."""
BLANKS = "'\u2019\u00a0\u202f _"
AROUND = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<before>{MONEY}|%)?\s*"
    rf"(?P<inner>[+-]?[0-9][0-9.,{BLANKS}]*?|[+-]?[.,][0-9]+)\s*(?P<after>{MONEY}|%|{UNIT})?"
)
GROUPED = rf"[1-9][0-9]{{0,2}}(?:[{BLANKS}][0-9]{{3}})+"
LAKHS = "[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}"
"""Thousands, and above them hundreds, as India writes them: 12,34,567."""
POINT = re.compile(rf"[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+|{GROUPED}|{LAKHS})(?:\.[0-9]*)?|\.[0-9]+)")
COMMA = re.compile(rf"[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}})+|{GROUPED})(?:,[0-9]*)?|,[0-9]+)")
"""Numbers with a point, or a comma, before the decimals; the other sign, or a blank, may stand between the thousands."""
LONGEST = 40
"""Characters of the longest text that can be a number or a measure."""
NO_UNITS = {*MONTHS, "am", "pm", "a.m", "p.m", "st", "nd", "rd", "th", "uhr"}
"""Words after a number that make a date, a time of day or a rank of it."""
CLOCK = r"[0-9]{1,2}(?::[0-9]{2}){1,2}(?:\.[0-9]+)?(?:\s?[AaPp]\.?[Mm]\.?)?|[0-9]{1,2}\s?[AaPp]\.?[Mm]\.?"
SHORT_DATE = (
    r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{2}|[0-9]{4})(?:[ T].*)?"
    rf"|(?i:(?:[0-9]{{1,2}}[. /-]+)?(?:{'|'.join(MONTHS)})\.?[ '/-]+[0-9]{{2}})"
)
UNREAD = (
    (re.compile(CLOCK), "times of day, or durations, read as words: write plain numbers, such as hours"),
    (
        re.compile(SHORT_DATE),
        "dates, in a form that is read as words, of which a model learns nothing: write them as 2025-03-14",
    ),
    (
        re.compile(r"(?:[0-9.]+\s*(?:[^\W\d_]{1,7}|['\"′″])[,\s]*){2,4}"),
        "measures of two units at once, read as words: write plain numbers of one unit",
    ),
)
"""What columns of words may be that no reader can be sure of, or no type of a schema is for."""
MOST_UNITS = 10
"""Different units that a note on a column of measures knows; more of them are words."""


class Form(NamedTuple):
    """One way of writing values: what it is, an example of it, and how a text of it is put in plain form."""

    dtype: Dtype
    text: str
    """What such values are and how they are written plainly, to be told."""
    convert: Callable[[str], str | None]
    """Return a text's plain form, or None for one that is not of this form."""


class Dressed(NamedTuple):
    """A number among what is written around it."""

    sign: str
    inner: str
    worn: str
    """The currency, unit or percent sign, as it is written; empty for a bare number."""
    unit: str
    """The same in one spelling."""


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
    few = sum(first[text] for text in _dressed(first)) < ENOUGH * ENOUGH * first.total()
    dressed = {} if few else _dressed(texts)

    def holds(form: Form, texts: Counter[str]) -> bool:
        return share_of(texts, form.convert) >= (ENOUGH if len(texts) < SAMPLE else ENOUGH * ENOUGH)

    dates = (Form("datetime", told, read) for told, read in readers(texts))
    forms = itertools.chain(_numbers(dressed, texts, comma), dates, _measures(dressed, texts, comma))
    return next((form for form in forms if holds(form, first) and holds(form, texts)), None)


def share_of(texts: Counter[str], read: Callable[[str], object]) -> float:
    """Return the share of values of which `read` makes something."""
    return sum(count for text, count in texts.items() if read(text) is not None) / max(texts.total(), 1)


def unread(known: Mapping[str, int]) -> str:
    """Say what nearly all texts of a column of words seem to be, and how they could be read; '' where they are just words."""
    texts = Counter[str]()
    for text, count in known.items():
        texts[text.strip()[: LONGEST + 1]] += count
    units = _several_units(texts)
    if units:
        return f"numbers of several units ({units}), read as words: write plain numbers of one unit"
    return next((told for form, told in UNREAD if share_of(texts, form.fullmatch) >= ENOUGH), "")


def _several_units(texts: Counter[str]) -> str:
    """Return the units of a column of measures that has several, as `kg (60 %), lb (40 %)`, or ''."""
    dressed = _dressed(texts)
    units = _units(dressed, texts)
    written = {each.unit: each.worn or "none" for each in reversed(dressed.values())}
    several = 1 < len(units) <= MOST_UNITS and units.total() >= ENOUGH * texts.total()
    if not several or units.total() - units[""] < (1 - ENOUGH) * texts.total():
        return ""
    if any(unit in NO_UNITS or " " in unit for unit in units):
        return ""
    return ", ".join(f"{shown(written[unit])} {count / texts.total():.0%}" for unit, count in units.most_common())


def _dressed(texts: Iterable[str]) -> dict[str, Dressed]:
    """Return the texts that are numbers, with or without something around them."""
    return {text: each for text in texts if (each := _undressed(text)) is not None}


@lru_cache(maxsize=2**17)
def _undressed(text: str) -> Dressed | None:
    if len(text) > LONGEST:
        return None
    if is_number(text):
        return Dressed("", text, "", "")
    found = AROUND.fullmatch(_signed(text))
    if found is None:
        return None
    worn = " ".join(part.strip() for part in (found["before"], found["after"]) if part)
    return Dressed(found["sign"], found["inner"].strip(), worn, _one_spelling(worn))


@lru_cache
def _one_spelling(worn: str) -> str:
    """Return a unit without its point, its plural and its capitals; mW and MW, of two letters, are not the same."""
    plain = unicodedata.normalize("NFKC", worn).removesuffix(".")
    if len(plain) <= 2 and plain[:1] in ("m", "M", "p", "P"):
        return plain
    folded = plain.casefold()
    folded = folded.removesuffix("s") if len(folded) > 2 and folded.isalpha() else folded
    return SAME_MONEY.get(folded, folded)


def _units(dressed: Mapping[str, Dressed], texts: Counter[str]) -> Counter[str]:
    units = Counter[str]()
    for text, each in dressed.items():
        units[each.unit] += texts[text]
    return units


def _numbers(dressed: Mapping[str, Dressed], texts: Counter[str], hint: bool) -> Iterator[Form]:
    """Numbers that are bare, or carry one currency or a percent sign; other units among them are strays."""
    units = _units(dressed, texts)
    signs = {each.unit for each in dressed.values() if each.worn and SIGN.fullmatch(each.worn)}
    worn = next((unit for unit, _ in units.most_common() if unit in signs), "")
    # Where some carry a percent sign and some do not, their scale is not known; a bare number among sums is one of them.
    one_of = signs | {""} if worn == "%" else signs
    if units[worn] >= ENOUGH * sum(units[unit] for unit in one_of):
        yield from _written(dressed, texts, worn, hint)


def _measures(dressed: Mapping[str, Dressed], texts: Counter[str], hint: bool) -> Iterator[Form]:
    """Numbers of which nearly all carry one and the same unit, and none of which is a code."""
    units = _units(dressed, texts)
    worn = next((unit for unit, _ in units.most_common() if unit), "")
    if worn and worn not in NO_UNITS and units[worn] >= ENOUGH * texts.total():
        if not any(re.match("0[0-9]", each.inner) for each in dressed.values() if each.unit == worn):
            yield from _written(dressed, texts, worn, hint)


def _written(dressed: Mapping[str, Dressed], texts: Counter[str], worn: str, hint: bool) -> Iterator[Form]:
    """The form of numbers that carry `worn`, or nothing; none where they are plain.

    The decimal sign is a comma where some number can be read in no other way, and none only with a point.
    """
    found = {text: each for text, each in dressed.items() if each.unit in ("", worn)}
    inner = [each.inner for each in found.values()]
    with_point, with_comma = (sum(form.fullmatch(each) is not None for each in inner) for form in (POINT, COMMA))
    unclear = with_comma == with_point
    comma = hint if unclear else with_comma > with_point
    how = _how(found, worn, comma)
    if not how:
        return
    more = "; 45% is 45, not 0.45" if worn == "%" else ""
    more += f"; 1,234 is {'1.234' if comma else '1234'}" if unclear and any("," in each for each in inner) else ""
    bare = sum(texts[text] for text, each in found.items() if not each.unit)
    more += f"; {bare:,} without it are taken for the same" if worn not in ("", "%") and bare else ""
    told = f"numbers with {' and '.join(how)}: written as plain numbers{more}"
    yield Form("number", told, partial(_plain, comma=comma, units={worn} if worn == "%" else {"", worn}))


def _how(found: Mapping[str, Dressed], worn: str, comma: bool) -> list[str]:
    """Say in what numbers differ from plain ones."""
    inner = [each.inner for each in found.values()]
    how = []
    if comma and any("," in each for each in inner):
        how.append("a comma before the decimals")
    if any(any(sign in each for sign in ("." if comma else ",") + BLANKS) for each in inner):
        how.append("signs between the thousands")
    if worn:
        spellings = sorted({each.worn for each in found.values() if each.unit == worn})
        kind = "sign" if SIGN.fullmatch(spellings[0]) else "unit"
        how.append(f"the {kind} {shown(', '.join(spellings))}")
    if any(_signed(text) != _ascii(text) for text in found):
        how.append("a minus of another form, as in (12) or 12-")
    if any(_ascii(text) != text for text in found):
        how.append("signs of another width or script")
    return how


def _ascii(text: str) -> str:
    """Return a text with the digits, points and commas that ASCII has, for those of full width or of another script."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else WIDE.get(sign, sign) for sign in text)


def _signed(text: str) -> str:
    """Put a plain minus in front of a number that has another one: (12) and 12- as bookkeepers write it, or U+2212."""
    plain = text if text.isascii() else re.sub("[\u2212\u2013\ufe63](?=.*[0-9])", "-", _ascii(text))
    if plain[:1] != "(" and plain[-1:] != "-":
        return plain
    found = re.fullmatch(r"\(([^()+-]*[0-9][^()+-]*)\)|([^()+-]*[0-9][^()+-]*)-", plain)
    return f"-{(found[1] or found[2]).strip()}" if found else plain


def _plain(text: str, comma: bool, units: set[str]) -> str | None:
    found = _undressed(text.strip())
    if found is None or found.unit not in units:
        return None
    if is_number(text):
        return text
    if (COMMA if comma else POINT).fullmatch(found.inner) is None:
        return None
    inner = found.inner
    for sign in BLANKS + ("." if comma else ","):
        inner = inner.replace(sign, "")
    plain = found.sign + inner.replace(",", ".")
    return plain if is_number(plain) else None
