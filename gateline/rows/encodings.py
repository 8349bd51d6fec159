"""The encoding of a text file: UTF-8 without a byte order mark, or a finding and the nearest readable text."""

from __future__ import annotations

import codecs

from gateline.rows.parts import Finding

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAVE_AGAIN = "save the file as UTF-8 without a byte order mark"
HEAD = 2**16
"""Bytes that are looked at to tell text from anything else."""
BINARY = 0.05
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
REPLACEMENT = "\ufffd".encode()


def wide_of(data: bytes) -> str:
    """Return `utf-16` or `utf-32`, with its byte order where no mark says it, for data in it; '' for all others.

    A text in it has ASCII signs between its words, and no controls but tabs and line ends: read otherwise it has neither.
    """
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    if mark:
        return MARKS[mark] if MARKS[mark] != "utf-8" else ""
    head = data[:HEAD]
    if b"\x00" not in head:
        return ""
    for name in WIDE:
        text = codecs.getincrementaldecoder(name)("replace").decode(head)
        ascii_ones = sum(sign.isascii() for sign in text)
        odd = sum(sign == "\ufffd" or (sign < " " and sign not in "\t\r\n") for sign in text)
        if not odd and ascii_ones > 2 * BINARY * len(text):
            return name
    return ""


def is_binary(data: bytes) -> bool:
    """Say whether more than a twentieth of the first bytes are control characters that no text holds, once UTF-16 is read."""
    wide = wide_of(data)
    head = data[:HEAD].decode(wide, errors="replace").encode() if wide else data[:HEAD]
    controls = sum(head.count(bytes([sign])) for sign in range(32) if sign not in (9, 10, 12, 13, 27))
    return controls > BINARY * len(head)


def decoded(data: bytes) -> tuple[bytes, list[Finding]]:
    """Return `data` as UTF-8 that can be parsed, and what was wrong with it."""
    mark = next((mark for mark in MARKS if data.startswith(mark)), None)
    if mark is not None:
        name = MARKS[mark]
        finding = Finding("encoding", f"starts with a byte order mark ({name.upper()})", SAVE_AGAIN, lossless=True)
        plain = data[len(mark) :] if name == "utf-8" else data.decode(name, errors="replace").encode()
        return plain, [finding, *decoded(plain)[1]]
    wide = wide_of(data)
    if wide:
        finding = Finding("encoding", f"is {wide.upper()} without a byte order mark: it holds NUL bytes", SAVE_AGAIN)
        return data.decode(wide, errors="replace").encode(), [finding]
    if b"\x00" in data:
        nul = Finding("encoding", "holds NUL bytes: it is UTF-16, or binary", SAVE_AGAIN)
        return data.decode("utf-8", errors="replace").encode(), [nul]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.decode("utf-8", errors="replace").encode(), [_not_utf8(data, error)]
    return data, _suspicious(data)


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> Finding:
    line = data.count(b"\n", 0, error.start) + 1
    reason = f"is not UTF-8: byte 0x{data[error.start]:02x} at position {error.start} (line {line}): {error.reason}"
    return Finding("encoding", reason, SAVE_AGAIN)


def _suspicious(data: bytes) -> list[Finding]:
    """Return marks of text that went through a wrong encoding earlier, though it is valid UTF-8 now."""
    if REPLACEMENT in data:
        line = data.count(b"\n", 0, data.index(REPLACEMENT)) + 1
        reason = f"holds the replacement character U+FFFD (line {line}): it was decoded wrongly before it was written"
        return [Finding("encoding", reason, "export the file again from its source as UTF-8")]
    return []
