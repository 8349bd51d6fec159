"""The HTTP headers that callers and the service agree on."""

from __future__ import annotations

RELEASE = "X-Gateline-Release"
"""Of an answer: the digest of the release that gave it."""
REQUEST_ID = "X-Request-ID"
"""Of a request, taken over if well-formed; of its answer always."""
TRAFFIC = "X-Gateline-Traffic"
"""Of a request: `synthetic` for made-up rows, which are answered and measured, but neither logged nor counted for drift."""
SYNTHETIC = {TRAFFIC: "synthetic"}
