"""The HTTP headers that callers and the service agree on."""

from __future__ import annotations

RELEASE = "X-Gateline-Release"
"""Of an answer: the digest of the release that gave it."""
REQUEST_ID = "X-Request-ID"
"""Of a request, taken over if well-formed; of its answer always."""
TRAFFIC = "X-Gateline-Traffic"
"""Of a request: `synthetic` for made-up rows, which are answered and measured, but neither logged nor counted for drift."""
SYNTHETIC = {TRAFFIC: "synthetic"}
TOKEN = "X-Gateline-Token"
"""Of such a request: the secret of the environment, without which its rows count like any others."""
TOKEN_VARIABLE = "GATELINE_SYNTHETIC_TOKEN"
"""Carries that secret to the services, and to what sends them made-up rows."""


def made_up(token: str) -> dict[str, str]:
    """Return the headers of a request whose rows are made up."""
    return SYNTHETIC | ({TOKEN: token} if token else {})
