"""What is let in: which `Host` a request may name, and a body that is not too large, too slow, encoded or sent by a page."""

import asyncio
from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.columns import shown
from service.refusals import Refusal, told_as

EXEMPT = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/metrics")
"""What monitors and proxies ask by any name or address they know."""
EVERY_ADDRESS = ("0.0.0.0", "::")  # nosec B104: no bind, what an environment that listens everywhere is called by
SEEN = 256
"""Names whose judgement is remembered."""
BODY_SECONDS = 30.0
"""Longest time a body may take to arrive."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a page of any origin can make a browser send without asking the service first."""
BY_ITSELF = FORMS[0]
"""The type that curl and urllib name where their user named none."""
BROWSER = ("origin", "referer", "sec-fetch-site", "sec-fetch-mode")
"""One of these is in all that a web page makes a browser post; a page cannot take `Origin` and `Sec-Fetch-Site` away."""
OF_OTHERS = ("cross-site", "same-site")
"""What a browser says of a request that a page of another origin sends."""


class KnownHosts:
    """Answers 421 to a request whose `Host` is neither loopback, nor the address it came in at, nor one of `hosts`.

    A page whose own name was made to lead to loopback (DNS rebinding) thus gets no answer.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Keep the names; in them `*` stands for every name, an address that means all for every address."""
        self._app = app
        self._hosts = frozenset(map(bare, hosts))
        self._seen: dict[tuple[bytes, str], bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in EXEMPT:
            for name, value in scope["headers"]:
                if name == b"host" and not self.lets_in(value, scope.get("server")):
                    said = f"this service is not called {shown(value.decode('latin-1')[:255])}"
                    allowed = "localhost, the environment's address, names in service.hosts"
                    refused = JSONResponse({told_as(scope["path"]): f"{said}; allowed: {allowed}"}, 421)
                    return await refused(scope, receive, send)
        await self._app(scope, receive, send)

    def lets_in(self, value: bytes, server: tuple[str, int | None] | None) -> bool:
        """Say whether the service answers to a `Host`, by the address that the request came in at."""
        key = (value, server[0] if server else "")
        known = self._seen.get(key)
        if known is None:
            if len(self._seen) >= SEEN:
                self._seen.clear()
            known = self._seen[key] = self._known(bare(value.decode("latin-1")), key[1])
        return known

    def _known(self, host: str, arrived: str) -> bool:
        if host in self._hosts or is_loopback(host) or "*" in self._hosts:
            return True
        return is_address(host) and (host == arrived or not self._hosts.isdisjoint(EVERY_ADDRESS))


@lru_cache(256)
def bare(value: str) -> str:
    """Return a host in lower case, without port, brackets and the dot of a full name."""
    host = value.strip().lower()
    name, colon, port = host.rpartition(":")
    alone = name.startswith("[") and name.endswith("]") or ":" not in name
    host = (name if colon and alone and port.isdecimal() else host).removesuffix(".")
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


@lru_cache(256)
def is_address(host: str) -> bool:
    """Return whether a host is an IP address: no name leads to it, so none can be made to."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by name or address."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


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
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large("larger", limit)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {BODY_SECONDS:g} s", {"Connection": "close"}) from None
    return bytes(body)


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


def _too_large(size: str, limit: int) -> Refusal:
    return Refusal(413, f"the body is {size}; allowed: {limit} bytes (service.max_body_bytes)")
