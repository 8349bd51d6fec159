"""Read a request body that must not be too large, too slow or encoded."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from service.refusals import Refusal

BODY_SECONDS = 30.0
"""Longest time a body may take to arrive."""


FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a page of any origin can make a browser send without asking the service first."""
BY_ITSELF = FORMS[0]
"""The type that curl and urllib name where their user named none."""
BROWSER = ("origin", "referer", "sec-fetch-site", "sec-fetch-mode")
"""One of these stands in whatever a web page makes a browser post; a page cannot take `Origin` and `Sec-Fetch-Site` away."""
OF_OTHERS = ("cross-site", "same-site")
"""What a browser says of a request that a page of another origin sends."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises Refusal: 413 over `limit` bytes, 415 for a content encoding and for what a web page may send unasked, 408 when it
    does not arrive.
    """
    _refuse_pages(request)
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


def _refuse_pages(request: Request) -> None:
    """A page that somebody has open must not ask a service on their loopback: JSON is sent across origins after a question
    that is not answered with leave; these types, and a body without one, are sent at once."""
    given = request.headers.getlist("content-type")
    types = [part.partition(";")[0].strip().lower() for value in given for part in value.split(",")]
    browser = any(name in request.headers for name in BROWSER)
    for kind in types:
        if kind in FORMS and (browser or kind != BY_ITSELF):
            raise Refusal(415, f"content-type is '{kind}', which any web page can send; allowed: application/json")
    origin = request.headers.get("origin")
    foreign = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if not any(types) and (foreign or request.headers.get("sec-fetch-site") in OF_OTHERS):
        raise Refusal(415, "no content-type, from a web page of another origin; allowed: application/json")


async def _collect(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large("larger", limit)
    return bytes(body)


def _too_large(size: str, limit: int) -> Refusal:
    return Refusal(413, f"the body is {size}; allowed: {limit} bytes (service.max_body_bytes)")
