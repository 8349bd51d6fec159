"""How a text file is written: its encoding, its separator, its line ends. Found out from its bytes, and put right."""

import codecs
import contextlib
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from gateline.rows.csv_file import SEPARATORS
from gateline.rows.cutting import REPLACEMENT
from gateline.rows.parts import SHOWN, Conversion
from gateline.rows.sources import BYTE_ORDER, wide_of

HEAD = 2**20
LINES = 500
"""How much of a file is looked at to find its separator and its header: bytes, and rows."""
NAMES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "cp874": "Windows-874 (Thai)",
    "cp932": "Shift-JIS (Japanese)",
    "cp949": "Windows-949 (Korean)",
    "gb18030": "GB18030 (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "iso2022_jp_2": "ISO-2022-JP (Japanese)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "koi8-u": "KOI8-U (Cyrillic)",
    "cp866": "DOS 866 (Cyrillic)",
    "cp850": "DOS 850 (Western European)",
    "mac-roman": "Mac Roman (Western European)",
    "mac-cyrillic": "Mac Cyrillic",
    "iso8859-2": "ISO-8859-2 (Central European)",
    "iso8859-5": "ISO-8859-5 (Cyrillic)",
}
"""Encodings that spreadsheets and databases write, by the names that Python has for them."""
PUNCTUATION = bytes(sign for sign in range(0x80, 0xC0) if not bytes([sign]).decode("cp1252", "replace").isalpha())
"""What is no letter in Windows-1252: a € or two quotes alone say nothing of a language, and are read as such."""
EVIDENCE = 2**16
"""Bytes of different values that are not ASCII, from which an encoding is found out."""
LOST = "the character U+FFFD, which an earlier wrong decoding left"
ESCAPED = b"\x1b$"
"""How a Japanese text begins in ISO-2022-JP, all of whose bytes are ASCII."""
DECLARED = b"sep="
"""Excel's own line that names the separator."""


@dataclass(frozen=True)
class Dialect:
    """A text file as UTF-8 that a CSV parser takes, its separator, and what had to be changed for that."""

    data: bytes
    separator: str
    conversions: tuple[Conversion, ...]


def dialect_of(data: bytes, encoding: str = "") -> Dialect:
    """Return the text of a file in UTF-8, line ends and separator known. What is odd is said.

    Without an `encoding` it is found out. Raises LookupError for one that nobody knows, UnicodeDecodeError for a wrong one.
    """
    data, said = _as_given(data, encoding) if encoding else _as_utf8(data)
    separator = ""
    if data.startswith(DECLARED):
        line, _, data = data.partition(b"\n")
        separator = line.removeprefix(DECLARED).strip(b"\r").decode() or ","
        said.append(Conversion("file", f"its first line says '{line.decode().strip()}', as Excel writes it: left out"))
    data, more = _whole_lines(data)
    found = separator if separator in SEPARATORS else _separator_of(data)
    if found != ",":
        said.append(Conversion("separator", f"values are separated by a {SEPARATORS[found]}: written with commas"))
    return Dialect(data, found, (*said, *more))


def _separator_of(data: bytes) -> str:
    """Return the separator that cuts the header and most of the first lines into the same number of fields, at least two."""
    head = data[:HEAD].decode("utf-8", errors="replace")
    scores = {separator: _score(head, separator) for separator in SEPARATORS}
    if not any(any(score) for score in scores.values()):  # A title stands above the header.
        scores = {separator: _score(head, separator, titled=True) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: scores[separator])


def _score(head: str, separator: str, titled: bool = False) -> tuple[float, int]:
    widths = list(map(len, first_rows(head, separator)[0]))
    counts = Counter(widths)
    width = counts.most_common(1)[0][0] if titled and widths else (*widths, 0)[0]
    return (counts[width] / len(widths), width) if width > 1 else (0.0, 0)


def first_rows(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows that are not empty, and where each of them ends."""
    stream = io.StringIO(text, newline="")
    rows, ends = list[list[str]](), list[int]()
    with contextlib.suppress(csv.Error):  # A huge cell ends the look, and what was seen before it tells enough.
        for row in csv.reader(stream, delimiter=separator):
            if row:
                rows.append(row)
                ends.append(stream.tell())
            if len(rows) == LINES:
                break
    return rows, ends


def _as_utf8(data: bytes) -> tuple[bytes, list[Conversion]]:
    if data.startswith(codecs.BOM_UTF8):
        data, more = _as_utf8(data[len(codecs.BOM_UTF8) :])
        return data, [Conversion("encoding", "it starts with a byte order mark (UTF-8): left out"), *more]
    wide = wide_of(data)
    if wide:
        text = data.decode(wide, errors="replace").encode()
        return text, [Conversion("encoding", f"it is {wide.upper()}: written as UTF-8")]
    if _is(data, "utf-8") and not (ESCAPED in data and _is(data, "iso2022_jp_2")):
        return _clean(data)
    found, sure = guessed(data)
    told = (
        f"it is not UTF-8: read as {NAMES[found]} ({sure:.0%} of the likelihood), written as UTF-8; look at its letters, or "
        "give --encoding"
    )
    return data.decode(found, errors="replace").encode(), [_in_lines(data, rb"[^\x00-\x7f]", told)]


def _as_given(data: bytes, encoding: str) -> tuple[bytes, list[Conversion]]:
    " ".encode(encoding)  # Raises LookupError for what is no encoding of text, too.
    name = codecs.lookup(encoding).name
    mark = next((mark for mark in BYTE_ORDER if data.startswith(mark) and name.startswith(BYTE_ORDER[mark])), b"")
    text = codecs.getincrementaldecoder(name)("strict").decode(data[len(mark) :] if name == "utf-8" else data)
    data, said = _clean(text.removeprefix("\ufeff").encode())
    return data, [*said, Conversion("encoding", f"read as {encoding}, as --encoding says: written as UTF-8")]


def _in_lines(data: bytes, odd: bytes, told: str) -> Conversion:
    lines = [number for number, line in enumerate(data.split(b"\n")) if re.search(odd, line)]
    return Conversion("encoding", told, count=len(lines), rows=tuple(n for n in lines if n)[:SHOWN])


def guessed(data: bytes) -> tuple[str, float]:
    """Return the likeliest encoding of a text that is not UTF-8, and its share of the likelihood of all that can be."""
    import chardet  # Needed for few files, and only where a file is taken in: no gate has it.

    texts = dict.fromkeys(text for text in re.split(rb"[,;\t\n]", data[:HEAD]) if not text.isascii() or ESCAPED in text)
    sample = b"\n".join(texts)[:EVIDENCE]
    signs = {sign for sign in sample if sign >= 0x80}
    if 0 < len(signs) <= 2 and signs <= set(PUNCTUATION) and _is(data, "cp1252"):
        return "cp1252", 1.0
    found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=NAMES, compat_names=False)
    likely = {each["encoding"]: each["confidence"] for each in found if each["encoding"] and _is(data, each["encoding"])}
    if not likely:
        return "cp1252", 0.0
    best = max(likely, key=lambda name: likely[name])
    others = sum(likely[name] for name in likely if sample.decode(name, "replace") != sample.decode(best, "replace"))
    return best, likely[best] / ((likely[best] + others) or 1.0)


def _clean(data: bytes) -> tuple[bytes, list[Conversion]]:
    """Put right what the gate refuses in a text: NUL bytes, and what an earlier wrong decoding left."""
    said = []
    for sign, instead, what in ((b"\x00", b"", "a NUL byte: left out"), (REPLACEMENT, b"?", f"{LOST}: written as '?'")):
        if sign in data:
            said.append(_in_lines(data, re.escape(sign), what))
            data = data.replace(sign, instead)
    return data, said


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


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
