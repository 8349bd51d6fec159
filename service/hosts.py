"""Which `Host` a request may name: a page whose own name was made to lead to loopback (DNS rebinding) gets no answer."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.columns import shown

EXEMPT = ("/health/live", "/health/ready", "/metrics")
"""What monitors and proxies ask by whatever name or address they know."""
EVERY_ADDRESS = ("0.0.0.0", "::")  # nosec B104: no bind, what an environment that listens everywhere is called by
ANY = "*"
LONGEST = 255


class KnownHosts:
    """Answers 421 to a request whose `Host` is neither loopback, nor the address it came in at, nor one of `hosts`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Keep the names; in them `*` stands for every name, an address that means all for every address."""
        self._app = app
        self._hosts = frozenset(map(bare, hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may be answered."""
        if scope["type"] == "http" and scope["path"] not in EXEMPT:
            for name, value in scope["headers"]:
                if name == b"host" and not self._known(value.decode("latin-1"), scope):
                    return await self._refused(value)(scope, receive, send)
        await self._app(scope, receive, send)

    def _known(self, value: str, scope: Scope) -> bool:
        host = bare(value)
        if host in self._hosts or is_loopback(host) or ANY in self._hosts:
            return True
        server = scope.get("server")
        arrived = server is not None and host == server[0]
        return is_address(host) and (arrived or not self._hosts.isdisjoint(EVERY_ADDRESS))

    @staticmethod
    def _refused(value: bytes) -> JSONResponse:
        host = shown(value.decode("latin-1")[:LONGEST])
        detail = f"this service is not called {host}; allowed: localhost, the environment's address, names in service.hosts"
        return JSONResponse({"detail": detail}, 421)


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
