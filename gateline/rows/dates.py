"""Days, months and moments as people write them, and how each of these forms is put in plain form (ISO 8601)."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

Reader = Callable[[str], str | None]
"""Returns a text's plain form, or None for one that is not of this form."""
PLAIN = "written as 2025-03-14"
NAMES = (
    "january jan januar jänner janvier janv enero ene gennaio gen",
    "february feb februar février fevrier févr fevr febrero febbraio",
    "march mar märz maerz mär mrz mars marzo",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag",
    "june jun juni juin junio giugno giu",
    "july jul juli juillet juil julio luglio lug",
    "august aug août aout agosto ago",
    "september sep sept septembre septiembre settembre set",
    "october oct oktober okt octobre octubre ottobre ott",
    "november nov novembre noviembre",
    "december dec dezember dez décembre decembre déc diciembre dicembre dic",
)
"""What January to December are called in English, German, French, Spanish and Italian, in full and in short."""
MONTHS = {name: number for number, names in enumerate(NAMES, start=1) for name in names.split()}
CLOCK = (
    r"(?:(?:T|,?\s+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]+)?))?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s?(?P<zone>UTC|GMT|Z|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
"""A time of day after a day: 9:30, 09:30:15.5, 9:30 PM, 09:30 UTC, 09:30+02."""
WORD, YEAR, NUMBER = r"(?P<name>[^\W\d_]+)\.?", r"(?P<year>[0-9]{4})", r"(?P<{}>[0-9]{{1,2}})"
SHORT_YEAR = r"(?<!-)(?P<year>[0-9]{2})"
"""The last two digits alone, as after 3/14/ (after a hyphen it could as well be the day)."""
DAY, MONTH = NUMBER.format("day"), NUMBER.format("month")
WEEKDAY, NTH, GAP = r"(?:[^\W\d_]+\.?,?\s+)?", r"(?:st|nd|rd|th|\.)?", r"(?:\s*[-/,]\s*|\s+(?:de\s+)?|(?<=\.))"
NAMED = (
    re.compile(f"{WEEKDAY}{DAY}{NTH}{GAP}{WORD}{GAP}{YEAR}{CLOCK}"),
    re.compile(f"{WEEKDAY}{WORD}{GAP}{DAY}{NTH}{GAP}{YEAR}{CLOCK}"),
    re.compile(f"{YEAR}{GAP}{WORD}{GAP}{DAY}{CLOCK}"),
)
NAMED_MONTH = re.compile(f"{WORD}{GAP}{YEAR}")
NUMBERED_MONTH = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])|(?P<one>0?[1-9]|1[0-2])[/.-](?P<of>(?:19|20)[0-9]{2})"
)
QUARTER = re.compile(r"(?P<year>[0-9]{4})[\s/-]?Q(?P<quarter>[1-4])|Q(?P<one>[1-4])[\s/-]?(?P<of>[0-9]{4})", re.IGNORECASE)
TIMES = {"time", "timestamp", "ts", "date", "datetime", "datum", "zeit", "at", "on", "epoch", "when", "created", "day", "seen"}
"""Words of a name that say when: numbers in such a column may be seconds since 1970."""
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ENOUGH_DAYS = 10
"""Different numbers that must all be days, such as 20250314, before a column of any name is one of days."""


def readers(texts: Mapping[str, int]) -> Iterator[tuple[str, Reader]]:
    """Yield the forms that dates may have, in words, with what reads them.

    A day and a month can be told apart where one of the numbers is above 12, or points stand between them before a whole year.
    """
    yield "months: written as their first day", _month
    yield "weeks: written as their Monday", _week
    yield "quarters: written as their first day", _quarter
    yield f"days written year, month, day: {PLAIN}", _reader(re.compile(rf"{YEAR}(?P<sign>[/.-]){MONTH}(?P=sign){DAY}{CLOCK}"))
    yield f"days with the name of their month: {PLAIN}", _reader(*NAMED)
    for year, told in ((YEAR, "year"), (SHORT_YEAR, "year in two digits")):
        first = _first(year, texts)
        if first == "day":
            form = re.compile(rf"{DAY}(?P<sign>[/.-]){MONTH}(?P=sign){year}{CLOCK}")
            yield f"days written day, month, {told}: {PLAIN}", _reader(form)
        if first == "month":
            form = re.compile(rf"{MONTH}(?P<sign>[/.-]){DAY}(?P=sign){year}{CLOCK}")
            yield f"days written month, day, {told}: {PLAIN}", _reader(form)


def _first(year: str, texts: Mapping[str, int]) -> str | None:
    """Return which of day and month comes first before such a year, or None where that can't be told."""
    form = re.compile(rf"(?P<first>[0-9]{{1,2}})(?P<sign>[/.-])(?P<second>[0-9]{{1,2}})(?P=sign){year}(?![0-9]).*")
    found = [match for match in map(form.fullmatch, texts) if match]
    dotted = year == YEAR and any(match["sign"] == "." for match in found)
    day, month = any(int(match["first"]) > 12 for match in found), any(int(match["second"]) > 12 for match in found)
    if day == month:
        return "day" if dotted and not month else None
    return "day" if day else "month"


def numbered(name: str, texts: Mapping[str, int]) -> tuple[str, Reader] | None:
    """Return what whole numbers are where they are moments: days such as 20250314, or, where the column's name says when,
    seconds or milliseconds since 1970; in words, with what reads them. None for other numbers.

    `texts` are the known values; all must be of the form.
    """
    says_when = bool({word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} & TIMES)
    listed: list[tuple[str, Reader, bool]] = [
        (f"days written 20250314: {PLAIN}", _compact, says_when or len(texts) >= ENOUGH_DAYS),
        ("seconds since 1970: written as moments (UTC)", partial(_since_1970, unit=1), says_when),
        ("milliseconds since 1970: written as moments (UTC)", partial(_since_1970, unit=1000), says_when),
    ]
    likely = ((told, read) for told, read, may_be in listed if may_be and texts)
    return next(((told, read) for told, read in likely if all(read(text.strip()) for text in texts)), None)


def _reader(*forms: re.Pattern[str]) -> Reader:
    def read(text: str) -> str | None:
        found = next((found for form in forms if (found := form.fullmatch(text)) is not None), None)
        return None if found is None else _written(found.groupdict())

    return read


def _written(part: Mapping[str, str | None]) -> str | None:
    """Return a date, or a date and time, as ISO 8601 writes it; None for one that no calendar or clock has.

    Of a year in two digits, 69 to 99 are 1969 to 1999 (POSIX, strptime's %y).
    """
    year, name = part["year"] or "0", part.get("name")
    century = 0 if len(year) != 2 else 1900 if int(year) >= 69 else 2000
    month = MONTHS.get(name.lower(), 0) if name else int(part["month"] or 0)
    second, _, fraction = (part["second"] or "0").partition(".")
    hour, half = int(part["hour"] or 0), (part["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    try:
        moment = datetime(century + int(year), month, int(part["day"] or 0), hour, int(part["minute"] or 0), int(second))
    except ValueError:
        return None
    if not part["hour"]:
        return moment.date().isoformat()
    zone = part["zone"] or ""
    zone = "Z" if zone in ("UTC", "GMT") else zone + ":00" if len(zone) == 3 else zone
    return moment.isoformat(sep=" ") + (f".{fraction}" if fraction else "") + zone


def _month(text: str) -> str | None:
    found = NUMBERED_MONTH.fullmatch(text)
    if found is not None:
        return _first_day(found["year"] or found["of"], int(found["month"] or found["one"]))
    named = NAMED_MONTH.fullmatch(text)
    return _first_day(named["year"], MONTHS.get(named["name"].lower(), 0)) if named else None


def _quarter(text: str) -> str | None:
    found = QUARTER.fullmatch(text)
    return _first_day(found["year"] or found["of"], 3 * int(found["quarter"] or found["one"]) - 2) if found else None


def _first_day(year: str, month: int) -> str | None:
    return f"{year}-{month:02d}-01" if int(year) and month else None


def _week(text: str) -> str | None:
    found = re.fullmatch(r"([0-9]{4})-?W([0-9]{1,2})", text)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1).isoformat() if found else None
    except ValueError:
        return None


def _compact(text: str) -> str | None:
    found = re.fullmatch(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})(?:\.0*)?", text)
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _since_1970(text: str, unit: int) -> str | None:
    if re.fullmatch(r"[0-9]{9,13}(?:\.0*)?", text) is None:
        return None
    seconds, rest = divmod(int(float(text)), unit)
    if not FIRST.timestamp() <= seconds < LAST.timestamp():
        return None
    moment = datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest)
    return moment.isoformat(sep=" ").replace("+00:00", "Z")
