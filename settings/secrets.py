"""What must never stand in a settings file or in a message: passwords, tokens and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

LOOKS_SECRET = re.compile(
    r"(^|[_-])(password|passwd|passphrase|secret|token|credentials?|(api|access|secret|private|audit)_?key)$",
    re.IGNORECASE,
)
"""Keys that end in such a word; `token_pattern` and `group_key` are none."""
USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
HIDDEN = "***"


def redacted(text: str) -> str:
    """Return `text` with user and password of every URL in it replaced by `***`."""
    return USERINFO.sub(f"{HIDDEN}@", text)


def origin(url: str) -> str:
    """Return scheme and host of a URL whose path is itself a secret, as those of chat webhooks are."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}/{HIDDEN}" if parts.scheme else HIDDEN


def secrets_in(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, why) for each entry of a settings table that looks like a secret; never its value."""
    for key, value in table.items():
        where = f"{above}{key}"
        if LOOKS_SECRET.search(key):
            yield where, "looks like a secret"
        elif isinstance(value, dict):
            yield from secrets_in(value, f"{where}.")
        elif isinstance(value, str) and _carries_password(value):
            yield where, "is a URL with a password in it"


def _carries_password(value: str) -> bool:
    found = USERINFO.search(value)
    return found is not None and ":" in found.group()
