"""Write the values of columns plainly: numbers and dates as people write them, marks for missing values counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from gateline.rows.conversions import Conversion, What
from gateline.rows.dates import numbered
from gateline.rows.forms import Form, form_of, share_of
from gateline.rows.infer import rows_of
from gateline.rows.kinds import Kind, counted, kind_of, listed
from gateline.rows.parts import Part
from gateline.rows.reading import as_text, counts_of
from gateline.rows.text import utc_of
from gateline.settings.shown import shown

UNLISTED = "is not of the column's type, and too long or one of too many to be listed as missing: written as nothing"


def converted(part: Part, marks: set[str], comma: bool) -> tuple[Part, list[Conversion]]:
    """Return rows whose values are written plainly, and what was changed or counted for that.

    `marks` stand for a missing value; `comma` says that 1,234 is rather 1.234 than 1234.
    """
    said: list[Conversion] = []
    columns = {name: part.table[name] for name in part.table.column_names}
    for name, counter in counts_of(part).items():
        said += _missing(part, name, counter, marks)
        known = Counter({text: count for text, count in counter.items() if text.strip() not in marks})
        if not part.text:
            moments, told = _as_moments(name, columns[name], known)
            if moments is not None:
                columns[name] = moments
                said.append(Conversion("date", told, name, known.total()))
                continue
        changes = _changes(name, columns[name], known, comma) if part.text else _trimmed(columns[name], known)
        for what, told, instead in changes:
            count, rows = sum(known[text] for text in instead), rows_of(part, name, instead)
            values = [instead.get(text, text) for text in columns[name].to_pylist()]
            columns[name] = pa.chunked_array([pa.array(values, pa.string())])
            said.append(Conversion(what, told, name, count, rows))
    return replace(part, table=pa.table(columns)), said


def _as_moments(name: str, column: pa.ChunkedArray, known: Counter[str]) -> tuple[pa.ChunkedArray | None, str]:
    """Return a Parquet column as moments where every value is one (a day, a month, seconds since 1970), and what it was.

    None for any other column. Text that is digits may be codes, and stays text; a date is one however it is kept.
    """
    if not known:
        return None, ""
    told = "text that is dates throughout: written as moments"
    if pa.types.is_string(column.type):
        kind, form = kind_of(known), form_of(known)
        if kind.dtype == "datetime" and not kind.strays:
            plain: dict[str, str | None] = {text: text for text in known}
        elif form is not None and form.dtype == "datetime":
            plain = {text: form.convert(text.strip()) for text in known}
        else:
            return None, ""
    else:
        whole = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        found = numbered(name, known) if whole else None
        if found is None:
            return None, ""
        told, plain = found[0], {text: found[1](text) for text in known}
    moments = {text: utc_of(written.strip()) for text, written in plain.items() if written is not None}
    if len(moments) < len(known) or None in moments.values():
        return None, ""
    values = [moments.get(as_text(value)) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.timestamp("us", "UTC"))]), told


def _trimmed(column: pa.ChunkedArray, known: Counter[str]) -> Iterator[tuple[What, str, dict[str, str]]]:
    """Yield what is changed in a column of words: blanks around them, which make two of what is one."""
    trimmed = {text: text.strip() for text in known if text != text.strip()}
    if trimmed and pa.types.is_string(column.type):
        yield "column", "blanks around its words: left out", trimmed


def _changes(
    name: str, column: pa.ChunkedArray, known: Counter[str], comma: bool
) -> Iterator[tuple[What, str, dict[str, str]]]:
    """Yield what is changed in a column of text, in words, and what is written in the place of which texts."""
    kind = kind_of(known)
    form, strays = _form(name, known, kind, comma), kind.strays
    if form is not None:
        plain = {text: form.convert(text.strip()) for text in known}
        strays = tuple(text for text, new in plain.items() if new is None)
        changed = {text: new for text, new in plain.items() if new is not None and new != text}
        yield "date" if form.dtype == "datetime" else "number", form.text, changed
    elif kind.dtype == "string":
        yield from _trimmed(column, known)
    beyond = set(strays) - set(listed(strays))
    if beyond:
        yield "stray", UNLISTED, dict.fromkeys(beyond, "")


def _form(name: str, known: Counter[str], kind: Kind, comma: bool) -> Form | None:
    """Return the form that more values have than are plain; whole numbers that are moments are all plain."""
    if kind.dtype != "string" and not kind.strays:
        found = numbered(name, known) if kind.dtype in ("integer", "number") else None
        return Form("datetime", *found) if found else None
    form = form_of(known, comma=comma)
    plain = 1 - counted(known, kind.strays) / known.total() if kind.dtype != "string" else 0.0
    return form if form is not None and share_of(form, known) > plain else None


def _missing(part: Part, name: str, counter: Counter[str], marks: set[str]) -> list[Conversion]:
    """Count each mark that stands for a missing value; the empty text is what everybody writes, and needs no word."""
    if not part.text and not pa.types.is_string(part.table[name].type):
        return []
    found = Counter[str]()
    for text, count in counter.items():
        if text and text.strip() in marks:
            found[text] += count
    return [
        Conversion(
            "missing",
            f"{_mark(text)} stands for a missing value {count} time{'s' if count > 1 else ''}",
            name,
            count,
            rows_of(part, name, [text]),
        )
        for text, count in sorted(found.items())
    ]


def _mark(text: str) -> str:
    return f"'{shown(text)}'" if text.strip() else "a blank"
