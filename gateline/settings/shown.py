"""What came from outside, made safe to show: in a terminal, on a page, and in the log of a CI runner."""

import json
import re
import sys
import unicodedata

from gateline.settings.secrets import redacted

LONGEST = 80
"""Characters of one value that are shown."""
BREAKS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
COMMAND = re.compile(r"##(?=(vso|teamcity)?\[)")
UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control, formatting (such as writing direction) and surrogate characters, and line separators."""


def one_line(text: str) -> str:
    """Return text on one line, with every character that steers a terminal written as an escape such as `\\x1b`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def in_json(text: str) -> str:
    """Return JSON in which a viewer obeys nothing either: the same values, with such characters written as `\\u202e`."""
    return re.sub(r"[^\x20-\x7e\n]", lambda found: _escaped(found[0]), text)


def lines_of(text: str) -> str:
    """Return a message of several lines in which nothing steers a terminal or a CI runner; all but the first are indented.

    So no text of an event, a file or another program stands there as a line of ours.
    """
    first, *others = (no_command(one_line(line)) for line in redacted(text).split("\n"))
    return "\n".join([first, *(line if line.startswith(" ") else f"  {line}" for line in others)])


def tell(*lines: object, error: bool = False) -> None:
    """Print each on one line, on standard error with `error`, at once: all that is in it is shown, and nothing obeyed."""
    for line in lines:
        print(no_command(one_line(redacted(str(line)))), file=sys.stderr if error else sys.stdout, flush=True)


def tell_message(text: str) -> None:
    """Print a message of several lines, on standard error, as `lines_of` makes it."""
    print(lines_of(text), file=sys.stderr, flush=True)


def shown(value: object, longest: int = LONGEST) -> str:
    """Return a value as one line of at most `longest` characters, in which nothing steers a terminal or a runner."""
    text = one_line(str(value)[: longest + 1])
    text = no_command(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def no_command(line: str) -> str:
    """Return a line that a CI runner only shows: `::error …` at its start, and `##[error]…` anywhere, are commands to one."""
    return COMMAND.sub("# #", re.sub(r"^(\s*)::", r"\1· ::", line))


def _escaped(sign: str) -> str:
    return json.dumps(sign)[1:-1] if unicodedata.category(sign) in UNSAFE else sign


def _visible(sign: str) -> str:
    if unicodedata.category(sign) not in UNSAFE:
        return sign
    number = ord(sign)
    wide = f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    return BREAKS.get(sign) or (f"\\x{number:02x}" if number < 256 else wide)
