"""What must never stand in a settings file or in a message: passwords, tokens and keys."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

LOOKS_SECRET = re.compile(
    r"(^|[_-])(password|passwd|passphrase|secret|token|credentials?|(api|access|secret|private|audit)_?key)$",
    re.IGNORECASE,
)
"""Keys that end in such a word; `token_pattern` and `group_key` are none."""
USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
HIDDEN = "***"
SIGNED = re.compile(
    r"(?<=[?&;])([\w.-]*(?:signature|credential|token|secret|passw(?:or)?d|(?:api|access|account|private)[_-]?key)|"
    r"AWSAccessKeyId|GoogleAccessId|sig|key|auth|code)=[^&;\s'\"]+",
    re.IGNORECASE,
)
"""The parts of a URL's query that let its holder in."""
WEBHOOK = re.compile(
    r"(https?://(?:hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com|"
    r"api\.telegram\.org|chat\.googleapis\.com)/)[^\s'\"]+",
    re.IGNORECASE,
)
"""Addresses of chats, whose path is the secret."""
ADDRESSES = ("GATELINE_NOTIFY_WEBHOOK", "GATELINE_REDIS_URL", "GATELINE_REGISTRY_URL", "HTTP_PROXY", "HTTPS_PROXY")
"""Variables that hold a URL with a secret in it."""
SHORTEST = 8
"""A shorter value is no secret worth the name, and might be any word."""


def redacted(text: str) -> str:
    """Return `text` without secrets: user and password of a URL, what signs one, and secrets of the environment."""
    for value in _in_environment():
        text = _however_written(value).sub(HIDDEN, text)
    text = WEBHOOK.sub(rf"\1{HIDDEN}", USERINFO.sub(f"{HIDDEN}@", text))
    return SIGNED.sub(rf"\1={HIDDEN}", text)


def redacted_in(value: Any) -> Any:
    """Return JSON with every text in it redacted."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_in(inner) for key, inner in value.items()}
    return [redacted_in(inner) for inner in value] if isinstance(value, list | tuple) else value


def _in_environment() -> list[str]:
    """Return the values of variables that are named like secrets, and what is secret of their URLs, the longest first.

    Of a value of several lines, as a key in PEM is, each line counts; of several keys, each.
    """
    signing = os.environ.get("GATELINE_SIGNING_KEY", "")
    named = [signing] if signing.startswith("-----") else []  # else it is a file's path
    named += [value for name, value in os.environ.items() if LOOKS_SECRET.search(name) or name == "AWS_ACCESS_KEY_ID"]
    named += os.environ.get("GATELINE_API_KEY", "").split(",")
    found = {line.strip() for value in named for line in value.splitlines() if not line.startswith("-----")}
    for name in ADDRESSES:
        with suppress(ValueError):  # in plain text: a library that writes a URL again need not encode the same signs
            parts = urlsplit(os.environ.get(name, ""))
            found.add(unquote(parts.password or ""))
            if name == "GATELINE_NOTIFY_WEBHOOK":
                path = unquote(parts.path).strip("/")
                found |= {path, path.rpartition("/")[2], unquote(parts.query)}
    return sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True)


@lru_cache(256)
def _however_written(value: str) -> re.Pattern[str]:
    """Return what finds a value, each sign of it plain or percent-encoded, as one library or another writes it in a URL."""
    encoded = {sign: "".join(f"%{byte:02x}" for byte in sign.encode(errors="surrogateescape")) for sign in value}
    return re.compile("".join(f"(?:{re.escape(sign)}|(?i:{encoded[sign]}))" for sign in value))


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
        elif isinstance(value, str) and (found := USERINFO.search(value)) and ":" in found[0]:
            yield where, "is a URL with a password in it"
