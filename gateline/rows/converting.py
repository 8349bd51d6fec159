"""Write the values of columns plainly: numbers and dates as people write them, marks for missing values counted."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from gateline.rows.columns import counts_of, rows_of, texts_of
from gateline.rows.dates import numbered
from gateline.rows.forms import Form, form_of, share_of
from gateline.rows.kinds import counted, kind_of, listed
from gateline.rows.parts import Conversion, Part, What
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
        is_text = part.text or pa.types.is_string(columns[name].type)
        said += _missing(part, name, counter, marks) if is_text else []
        known = Counter({text: count for text, count in counter.items() if text.strip() not in marks})
        if not part.text:
            moments, told = _moments(name, columns[name], known)
            if told:
                columns[name] = pa.chunked_array([moments])
                said.append(Conversion("date", told, name, known.total()))
                continue
        changes = _changes(name, known, comma) if part.text else _trimmed(known) if is_text else ()
        for what, told, instead in changes:
            count, rows = sum(known[text] for text in instead), rows_of(part, name, instead)
            columns[name] = rewritten(columns[name], instead)
            said.append(Conversion(what, told, name, count, rows))
    return replace(part, table=pa.table(columns)), said


def rewritten(column: pa.ChunkedArray, instead: Mapping[str, str]) -> pa.ChunkedArray:
    """Return a column of text with other texts in the place of some of its own; a missing one stays missing."""
    found = column.dictionary_encode().combine_chunks()
    words = [instead.get(text, text) for text in found.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(words, pa.string()).take(found.indices)])


def _moments(name: str, column: pa.ChunkedArray, known: Counter[str]) -> tuple[pa.Array | None, str]:
    """Return a Parquet column as moments where every value is one (a day, a month, seconds since 1970), and what it was.

    None for any other column. Text that is digits may be codes, and stays text; a date is one however it is kept.
    """
    told, plain = "text that is dates throughout: written as moments", dict[str, str | None]()
    if pa.types.is_string(column.type):
        kind, form = kind_of(known), form_of(known)
        if kind.dtype == "datetime" and not kind.strays:
            plain = {text: text for text in known}
        elif form is not None and form.dtype == "datetime":
            plain = {text: form.convert(text.strip()) for text in known}
    elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        found = numbered(name, known)
        if found is not None:
            told, plain = found[0], {text: found[1](text) for text in known}
    moments = {text: utc_of(written) for text, written in plain.items() if written is not None}
    if not moments or len(moments) < len(known) or None in moments.values():
        return None, ""
    texts = texts_of(column)
    values = [moments.get(text) for text in texts.dictionary.to_pylist()]
    return pa.array(values, pa.timestamp("us", "UTC")).take(texts.indices), told


def _trimmed(known: Counter[str]) -> Iterator[tuple[What, str, dict[str, str]]]:
    """Yield what is changed in a column of words: blanks around them, which make two of what is one."""
    trimmed = {text: text.strip() for text in known if text != text.strip()}
    if trimmed:
        yield "column", "blanks around its words: left out", trimmed


def _changes(name: str, known: Counter[str], comma: bool) -> Iterator[tuple[What, str, dict[str, str]]]:
    """Yield what is changed in a column of text, in words, and what is written in the place of which texts."""
    kind = kind_of(known)
    strays, plain = kind.strays, kind.dtype != "string"
    if plain and not strays:  # Whole numbers that are moments are all plain.
        found = numbered(name, known) if kind.dtype in ("integer", "number") else None
        form = Form("datetime", *found) if found else None
    else:
        form = form_of(known, comma=comma)
        share = 1 - counted(known, strays) / known.total() if plain else 0.0
        form = form if form is not None and share_of(known, form.convert) > share else None
    if form is not None:
        written = {text: form.convert(text.strip()) for text in known}
        strays = tuple(text for text, new in written.items() if new is None)
        changed = {text: new for text, new in written.items() if new is not None and new != text}
        yield "date" if form.dtype == "datetime" else "number", form.text, changed
    elif not plain:
        yield from _trimmed(known)
    beyond = set(strays) - set(listed(strays))
    if beyond:
        yield "stray", UNLISTED, dict.fromkeys(beyond, "")


def _missing(part: Part, name: str, counter: Counter[str], marks: set[str]) -> Iterator[Conversion]:
    """Count each mark that stands for a missing value; the empty text is what everybody writes, and needs no word."""
    for text, count in sorted(counter.items()):
        if text and text.strip() in marks:
            mark = f"'{shown(text)}'" if text.strip() else "a blank"
            told = f"{mark} stands for a missing value {count} time{'s' if count > 1 else ''}"
            yield Conversion("missing", told, name, count, rows_of(part, name, [text]))
