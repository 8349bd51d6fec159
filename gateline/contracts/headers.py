"""The HTTP headers that callers and the service agree on."""

import re
from collections.abc import Mapping

from gateline.settings.errors import UsageError
from gateline.settings.passing import CALLERS

RELEASE = "X-Gateline-Release"
"""Of an answer: the digest of the release that gave it."""
REQUEST_ID = "X-Request-ID"
"""Of a request, taken over if well-formed; of its answer always."""
HANDED_ON = "X-Gateline-Authorization"
"""Of a request: what `Authorization` says, where something in between keeps that to itself (a Kubernetes API server does)."""
TRAFFIC = "X-Gateline-Traffic"
"""Of a request: `synthetic` for made-up rows, which are answered and measured, but neither logged nor counted for drift."""
SYNTHETIC = {TRAFFIC: "synthetic"}
TOKEN = "X-Gateline-Token"
"""Of such a request: the secret of the environment, without which its rows count like any others."""
TOKEN_VARIABLE = "GATELINE_SYNTHETIC_TOKEN"
"""Carries that secret to the services, and to what sends them made-up rows."""
KEYS_VARIABLE = CALLERS
"""Carries the keys that a service takes, with commas between, and to what asks it, the key that it sends: the first."""
LOG_LEVEL_VARIABLE = "GATELINE_LOG_LEVEL"
"""Carries the least level of what the services write to their logs."""
NO_KEY = "none"
"""Instead of keys: a service that answers everyone, where the environment's services asked for a key before."""
KEY = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")
"""A key: what may follow `Bearer` (RFC 6750), and not so short that it could be found by trying."""


def made_up(token: str) -> dict[str, str]:
    """Return the headers of a request whose rows are made up."""
    return SYNTHETIC | ({TOKEN: token} if token else {})


def keys_of(text: str) -> tuple[str, ...]:
    """Return the keys that `KEYS_VARIABLE` holds; none where it is empty. Raises UsageError for one that is none."""
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    if found == (NO_KEY,):
        return ()
    for place, key in enumerate(found, 1):
        if not KEY.fullmatch(key):
            what = f"key {place} of {len(found)} in {KEYS_VARIABLE}"
            raise UsageError(
                f"{what} must have 16 to 256 characters of A-Z, a-z, 0-9, '-', '.', '_', '~', '+', '/'",
                "make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
    return found


def authorized(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that let a request in where the variables hold a key. Raises UsageError for one that is none."""
    keys = keys_of(environ.get(KEYS_VARIABLE, ""))
    return {"Authorization": f"Bearer {keys[0]}"} if keys else {}


def sent(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of made-up requests to services whose secrets the variables hold."""
    return made_up(environ.get(TOKEN_VARIABLE, "")) | authorized(environ)
