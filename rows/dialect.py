"""How a text file is written: its encoding, its separator, its line ends. Found out from its bytes, and put right."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections import Counter
from dataclasses import dataclass

from rows.conversions import SHOWN, Conversion
from rows.csv_file import SEPARATORS
from rows.encodings import MARKS, REPLACEMENT

HEAD = 2**20
"""Bytes that are looked at to find the separator."""
LINES = 500
OLD = "cp1252"
"""What Windows writes in Western Europe and America; each byte means something, so it is tried last."""
LOST = "the character U+FFFD, which an earlier wrong decoding left"
DECLARED = b"sep="
"""Excel's own line that names the separator."""


@dataclass(frozen=True)
class Dialect:
    """A text file as UTF-8 that a CSV parser takes, its separator, and what had to be changed for that."""

    data: bytes
    separator: str
    conversions: tuple[Conversion, ...]


def dialect_of(data: bytes) -> Dialect:
    """Return the text of a file in UTF-8, line ends and separator known. Nothing is refused here: what is odd, is said."""
    data, said = _as_utf8(data)
    separator = ""
    if data.startswith(DECLARED):
        line, _, data = data.partition(b"\n")
        separator = line.removeprefix(DECLARED).strip(b"\r").decode() or ","
        said.append(Conversion("file", f"its first line says '{line.decode().strip()}', as Excel writes it: left out"))
    data, more = _whole_lines(data)
    found = separator if separator in SEPARATORS else separator_of(data)
    if found != ",":
        said.append(Conversion("separator", f"values are separated by a {SEPARATORS[found]}: written with commas"))
    return Dialect(data, found, (*said, *more))


def separator_of(data: bytes) -> str:
    """Return the separator that cuts the header and most of the first lines into the same number of fields, at least two."""
    head = data[:HEAD].decode("utf-8", errors="replace")
    scores = {separator: _score(head, separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: scores[separator])


def _score(head: str, separator: str) -> tuple[float, int]:
    widths: list[int] = []
    with contextlib.suppress(csv.Error):  # A huge cell ends the look, and what was seen before it tells enough.
        for row in csv.reader(io.StringIO(head, newline=""), delimiter=separator):
            widths += [len(row)] if row else []
            if len(widths) == LINES:
                break
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (Counter(widths)[widths[0]] / len(widths), widths[0])


def _as_utf8(data: bytes) -> tuple[bytes, list[Conversion]]:
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    name = MARKS.get(mark, "")
    if name == "utf-8":
        data, more = _as_utf8(data[len(codecs.BOM_UTF8) :])
        return data, [Conversion("encoding", "it starts with a byte order mark (UTF-8): left out"), *more]
    if name:
        return data.decode(name, errors="replace").encode(), [
            Conversion("encoding", f"it is {name.upper()}: written as UTF-8")
        ]
    wide = _without_mark(data)
    if wide:
        return data.decode(wide, errors="replace").encode(), [
            Conversion("encoding", f"it is {wide.upper()}: written as UTF-8")
        ]
    if _is(data, "utf-8"):
        return _clean(data)
    lines = [number for number, line in enumerate(data.split(b"\n")) if not line.isascii()]
    text = data.decode(OLD if _is(data, OLD) else "latin-1").encode()
    told = "it is not UTF-8: read as Windows-1252 (Western European), written as UTF-8; look at its accented letters"
    return text, [Conversion("encoding", told, count=len(lines), rows=tuple(n for n in lines if n)[:SHOWN])]


def _clean(data: bytes) -> tuple[bytes, list[Conversion]]:
    """Put right what the gate refuses in a text: NUL bytes, and what an earlier wrong decoding left."""
    said = []
    for sign, instead, what in ((b"\x00", b"", "a NUL byte: left out"), (REPLACEMENT, b"?", f"{LOST}: written as '?'")):
        if sign in data:
            lines = [number for number, line in enumerate(data.split(b"\n")) if sign in line]
            data = data.replace(sign, instead)
            said.append(Conversion("encoding", what, count=len(lines), rows=tuple(n for n in lines if n)[:SHOWN]))
    return data, said


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(data: bytes) -> str:
    """UTF-16 without a mark: of mostly Western text, every second byte is NUL."""
    head = data[:1000]
    if len(head) < 4 or b"\x00" not in head:
        return ""
    even, odd = (part.count(0) / max(len(part), 1) for part in (head[::2], head[1::2]))
    return "utf-16-le" if odd > 0.4 > even else "utf-16-be" if even > 0.4 > odd else ""


def _whole_lines(data: bytes) -> tuple[bytes, list[Conversion]]:
    """Put a blank in place of a lone carriage return outside quotes, where lines end otherwise: it cuts its row in two."""
    if b"\n" not in data or b"\r" not in data.replace(b"\r\n", b""):
        return data, []
    pieces, rows, line = data.split(b'"'), [], 0
    for place in range(0, len(pieces), 2):
        plain = pieces[place].replace(b"\r\n", b"\n")
        rows += [line + plain[:at].count(b"\n") for at, sign in enumerate(plain) if sign == 13]
        line += plain.count(b"\n")
        pieces[place] = plain.replace(b"\r", b" ")
    if not rows:
        return data, []
    told = "a carriage return within a value that is not quoted: written as a blank"
    return b'"'.join(pieces), [Conversion("file", told, count=len(rows), rows=tuple(rows[:SHOWN]))]
