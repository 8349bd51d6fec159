"""Read a request body that must not be too large, too slow or encoded."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from service.refusals import Refusal

BODY_SECONDS = 30.0
"""Longest time a body may take to arrive."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body. Raises Refusal: 413 over `limit` bytes, 415 for a content encoding, 408 when it does not arrive."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise Refusal(415, f"content-encoding is '{encoding[:40]}'; allowed: none")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(f"{declared[:20]} bytes", limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(request, limit)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {BODY_SECONDS:g} s", {"Connection": "close"}) from None


async def _collect(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large("larger", limit)
    return bytes(body)


def _too_large(size: str, limit: int) -> Refusal:
    return Refusal(413, f"the body is {size}; allowed: {limit} bytes (service.max_body_bytes)")
