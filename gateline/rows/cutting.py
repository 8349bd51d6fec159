"""Cut a stream of text into blocks of whole rows, and say of each what is wrong with its encoding.

A block is cut where the parser ends a row: at a line break that no quoted value holds. A quote opens a value only where the
value begins, as in the parser (`5" pipe` holds a sign like others).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gateline.rows.parts import Finding
from gateline.rows.sources import BYTE_ORDER, wide_of

SAVE_AGAIN = "save the file as UTF-8 without a byte order mark"
REPLACEMENT = "\ufffd".encode()
LARGEST_BLOCK = 2**30
SIZE = 2**21
"""Bytes that are read at once: blocks in flight are a few times that, however long the file is."""
FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^,\r\n]*+|[^",\r\n][^,\r\n]*+|)'
ROW = re.compile(rb"(?:" + FIELD + rb",)*+" + FIELD + rb"(?:\r\n?|\n)")
ROWS = re.compile(rb"(?:(?:" + FIELD + rb",)*+" + FIELD + rb"(?:\r\n?|\n))*+")
QUOTE, COMMA, LINE_FEED, RETURN = b'",\n\r'
ZERO, SMALL_X = b"0x"


def blocks(stream: Decoder, size: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a stream in blocks that end where a row ends; the last one as it is."""
    rest, size = b"", size or SIZE
    while True:
        data = stream.read(size)
        if not data:
            break
        if b'"' not in data and b'"' not in rest:
            end = _line_end(data, len(data))
            if end:
                yield b"".join((rest, memoryview(data)[:end]))
                rest = data[end:]
                continue
        data = rest + data
        end = end_of_rows(data) if len(data) < LARGEST_BLOCK else len(data)
        if end:
            yield data[:end]
        rest = data[end:]
        size = max(size, len(rest))  # A row longer than a block is not looked at again for each one.
    if rest:
        yield rest


def end_of_rows(data: bytes) -> int:
    """Return where the last whole row of a block ends; 0 where none does. The block begins with a row."""
    if b'"' not in data:
        return _line_end(data, len(data))
    try:
        import numpy as np
    except ImportError:  # Where commands run: this takes several times as long.
        return _end_of_matched(data)
    signs = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(signs == QUOTE)
    opening = quotes[::2]
    before = signs[opening - 1]  # Of the first sign this looks at the last one, and is put right below.
    starts = (before == COMMA) | (before == LINE_FEED) | (before == RETURN) | (opening == 0)
    starts[1:] |= opening[1:] == quotes[1::2][: len(opening) - 1] + 1  # Doubled: the value goes on.
    if not starts.all():
        return _end_of_matched(data)
    end = _line_end(data, len(data))
    while end:
        within = int(np.searchsorted(quotes, end))
        if within % 2 == 0:
            return end
        end = _line_end(data, int(quotes[within - 1]))
    return 0


def _end_of_matched(data: bytes) -> int:
    found = ROWS.match(data)
    return found.end() if found else 0


def _line_end(data: bytes, before: int) -> int:
    """Return the place after the last line break before a place; of a lone carriage return only where no line feed is."""
    end = data.rfind(b"\n", 0, before) + 1
    return end or data.rfind(b"\r", 0, max(before - 1, 0)) + 1


def has_hexadecimal(data: bytes) -> bool:
    """Say whether `0x` is somewhere in a block, in large letters or small."""
    import numpy as np

    signs = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((signs[1:] | 32) == SMALL_X)
    return bool((signs[places] == ZERO).any())


def header_end(data: bytes) -> int:
    """Return where the first row that is not empty ends."""
    start = len(data) - len(data.lstrip(b"\r\n"))
    found = ROW.match(data, start)
    return found.end() if found else len(data)


class Decoder:
    """The bytes of a text file as UTF-8 without a byte order mark; a file in UTF-16 or UTF-32 is converted on the way."""

    def __init__(self, stream: IO[bytes], head: bytes) -> None:
        """`head` is what was read of the stream already."""
        self.stream, self.rest = stream, head
        self.mark = next((BYTE_ORDER[mark] for mark in BYTE_ORDER if head.startswith(mark)), "")
        self.wide = self.mark.removeprefix("utf-8") or wide_of(head)
        if self.mark == "utf-8":
            self.rest = head[len(codecs.BOM_UTF8) :]
        self.decoder = codecs.getincrementaldecoder(self.wide)("replace") if self.wide else None

    def read(self, size: int) -> bytes:
        """Return about `size` bytes; nothing at the end."""
        data, self.rest = (self.rest, b"") if self.rest else (self.stream.read(size), b"")
        if self.decoder is None:
            return data
        text = self.decoder.decode(data, final=not data)
        while data and not text:
            data = self.stream.read(size)
            text = self.decoder.decode(data, final=not data)
        return text.encode("utf-8", errors="replace")


@dataclass
class Encoding:
    """What was seen of a file's encoding, block by block."""

    mark: str = ""
    wide: str = ""
    lines: int = 0
    size: int = 0
    nul: bool = False
    invalid: str = ""
    replaced: str = ""

    def add(self, seen: Look) -> None:
        """Take the next block into account."""
        line = self.lines + seen.line + 1
        self.nul = self.nul or seen.nul
        if seen.invalid and not self.invalid:
            sign, start, reason = seen.invalid
            self.invalid = f"is not UTF-8: byte 0x{sign:02x} at position {self.size + start} (line {line}): {reason}"
        if seen.replaced and not self.replaced:
            told = f"holds the replacement character U+FFFD (line {line})"
            self.replaced = f"{told}: it was decoded wrongly before it was written"
        self.lines, self.size = self.lines + seen.lines, self.size + seen.size

    def findings(self) -> list[Finding]:
        """Return what is wrong: a byte order mark, and the worst of the others."""
        found = list[Finding]()
        if self.mark:
            why = f"starts with a byte order mark ({self.mark.upper()})"
            found.append(Finding("encoding", why, SAVE_AGAIN, lossless=True))
        if self.wide and not self.mark:
            why = f"is {self.wide.upper()} without a byte order mark: it holds NUL bytes"
        else:
            why = "holds NUL bytes: it is UTF-16, or binary" if self.nul else self.invalid
        if why:
            found.append(Finding("encoding", why, SAVE_AGAIN))
        elif self.replaced:
            found.append(Finding("encoding", self.replaced, "export the file again from its source as UTF-8"))
        return found


@dataclass(frozen=True)
class Look:
    """What one block shows of its encoding. `line` counts the line breaks before what is wrong."""

    size: int
    lines: int
    nul: bool = False
    invalid: tuple[int, int, str] | None = None
    replaced: bool = False
    line: int = 0


def looked_at(data: bytes) -> tuple[bytes, Look]:
    """Return a block as UTF-8, and what was wrong with it."""
    lines, nul = data.count(b"\n"), b"\x00" in data
    if data.isascii():
        return data, Look(len(data), lines, nul)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = (data[error.start], error.start, error.reason)
        look = Look(len(data), lines, nul, wrong, REPLACEMENT in data, data.count(b"\n", 0, error.start))
        return data.decode("utf-8", errors="replace").encode(), look
    place = data.find(REPLACEMENT)
    return data, Look(len(data), lines, nul, None, place >= 0, data.count(b"\n", 0, max(place, 0)))
