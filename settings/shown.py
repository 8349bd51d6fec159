"""What came from outside, made safe to show: in a terminal, on a page, and in the log of a CI runner."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
"""Characters of one value that are shown."""
BREAKS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control, formatting (such as writing direction) and surrogate characters, and line separators."""


def one_line(text: str) -> str:
    """Return text on one line, with every character that steers a terminal written as an escape such as `\\x1b`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def lines_of(text: str) -> str:
    """Return a message of several lines in which nothing steers a terminal, and no line is a command to a CI runner."""
    return "\n".join(_no_command(one_line(line)) for line in text.split("\n"))


def shown(value: object, longest: int = LONGEST) -> str:
    """Return a value as one line of at most `longest` characters, in which nothing steers a terminal or a runner."""
    text = one_line(str(value)[: longest + 1])
    text = _no_command(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _no_command(line: str) -> str:
    """A runner takes `::error …` and `##[error]…` at the start of a line, blanks left out, for a command."""
    return re.sub(r"^(\s*)(::|##\[)", r"\1· \2", line)


def _visible(sign: str) -> str:
    if unicodedata.category(sign) not in UNSAFE:
        return sign
    return BREAKS.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}")
