"""What must never stand in a settings file or in a message: passwords, tokens and keys."""

from __future__ import annotations

import os
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
SIGNED = re.compile(
    r"(?<=[?&])((?:X-Amz-)?(?:Signature|Credential|Security-Token)|AWSAccessKeyId|sig)=[^&\s'\"]+", re.IGNORECASE
)
"""The parts of a signed URL that let its holder in."""
SHORTEST = 8
"""A shorter value is no secret worth the name, and might be any word."""


def redacted(text: str) -> str:
    """Return `text` without secrets: user and password of a URL, what signs one, and secrets of the environment."""
    for value in _in_environment():
        text = text.replace(value, HIDDEN)
    return SIGNED.sub(rf"\1={HIDDEN}", USERINFO.sub(f"{HIDDEN}@", text))


def _in_environment() -> list[str]:
    """Return the values of variables that are named like secrets, the longest first."""
    found = {value for name, value in os.environ.items() if LOOKS_SECRET.search(name) or name == "AWS_ACCESS_KEY_ID"}
    return sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True)


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
