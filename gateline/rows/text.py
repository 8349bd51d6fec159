"""How values are written in text: what every reader, the schema's inference and the rules agree on."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from gateline.contracts.schema import Column, Dtype, Schema

MARKS = (
    "",
    *"NA N/A n/a #N/A #NA <NA> NaN nan NAN -nan -NaN NULL Null null (null) None NaT \\N ? - -- .".split(),
    *"#DIV/0! #VALUE! #REF! #NULL! 0000-00-00".split(),
    "0000-00-00 00:00:00",
    "0000-00-00T00:00:00",
)
"""What stands for a missing value where nobody says otherwise: written into each schema that is proposed."""
UNDECLARED = ("", *"NA N/A #N/A <NA> NaN nan -nan NULL Null null None NaT".split())
"""What stands for a missing number, integer, boolean or datetime under a schema without a list of its own; a missing string
is then the empty one alone."""

TRUE = ("true", "True", "TRUE", "1")
FALSE = ("false", "False", "FALSE", "0")

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
INTEGER = r"[+-]?[0-9]+(?:\.0*)?"
"""Whole numbers; `1990.0` is one, because that is how pandas writes a whole number in a column with missing values."""
DATETIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
"""ISO 8601 date, or date and time; without an offset it is UTC."""
LARGEST = 3.4028235e38
"""The largest number of 32 bits, which is what many estimators compute with: what is further from 0 is no measurement."""
LARGEST_INTEGER = 2**63
"""Whole numbers are kept in 64 bits: from minus this to this, which is left out."""

_number, _integer, _datetime = (re.compile(form).fullmatch for form in (NUMBER, INTEGER, DATETIME))


def marks_of(schema: Schema | None, column: Column) -> frozenset[str]:
    """Return the texts that stand for a missing value of a column, trimmed; the empty text is always one of them."""
    marks: Iterable[str] | None = schema.missing if schema is not None else None
    if marks is None:
        marks = UNDECLARED if column.dtype != "string" else ()
    return frozenset({"", *marks, *column.missing})


def trims(schema: Schema | None, dtype: Dtype) -> bool:
    """Say whether blanks around a text do not count: of a string, only where the schema lists what is missing."""
    return dtype != "string" or (schema is not None and schema.missing is not None)


def is_number(text: str) -> bool:
    """Say whether `text` is a decimal number that 32 bits hold; one without a decimal point must be one of 64 bits."""
    if _number(text.strip()) is None:
        return False
    return is_integer(text) if _integer(text.strip()) else abs(float(text)) <= LARGEST


def is_integer(text: str) -> bool:
    """Say whether `text` is a whole number that 64 bits hold."""
    found = _integer(text.strip())
    return found is not None and -LARGEST_INTEGER <= int(text.strip().partition(".")[0]) < LARGEST_INTEGER


def is_datetime(text: str) -> bool:
    """Say whether `text` is an ISO 8601 date or time of a day that the calendar has."""
    return _moment(text) is not None


def utc_of(text: str) -> datetime | None:
    """Return the moment that a text says, in UTC, or None; without an offset it is UTC."""
    moment = _moment(text)
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    text = text.strip()
    try:
        return datetime.fromisoformat(text) if _datetime(text) else None
    except ValueError:
        return None


def alike(text: str) -> str:
    """Return what texts have in common that differ by capitals, blanks, invisible signs or width alone."""
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return " ".join(text.casefold().split())


def spellings(known: Mapping[str, int]) -> dict[str, str]:
    """Return, for each text that is another one but for capitals and blanks, the commonest of its spellings."""
    groups: dict[str, list[str]] = {}
    for text in known:
        groups.setdefault(alike(text), []).append(text)
    best = {name: max(sorted(group), key=lambda text: (known[text], text == alike(text))) for name, group in groups.items()}
    return {text: best[name] for name, group in groups.items() for text in group if text != best[name]}


IS: dict[Dtype, Callable[[str], bool]] = {
    "boolean": lambda text: text.strip() in TRUE[:-1] + FALSE[:-1],  # By name: 1 and 0 are whole numbers.
    "integer": is_integer,
    "number": is_number,
    "datetime": is_datetime,
}
"""How each dtype but `string` is recognised, the narrowest first."""
