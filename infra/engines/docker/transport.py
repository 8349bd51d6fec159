"""HTTP to the replicas through the tunnel: an `httpx` client does not notice that they have no port on the host."""

from __future__ import annotations

import base64

import httpx

from gateline.settings.errors import OutsideError
from infra.engines.docker.tunnel import Tunnel

DEFAULT_SECONDS = 5.0
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class TunnelTransport(httpx.BaseTransport):
    """Sends each request through the agent."""

    def __init__(self, tunnel: Tunnel) -> None:
        """Use this tunnel; it stays open when the client closes."""
        self._tunnel = tunnel

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.ConnectError where the replica, or the way to it, does not answer."""
        seconds = request.extensions.get("timeout", {}).get("read") or DEFAULT_SECONDS
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            answer = self._tunnel.http(request.method, str(request.url), headers, request.read(), seconds)
        except OutsideError as error:
            raise httpx.ConnectError(error.message, request=request) from None
        kept = [(name, value) for name, value in answer["headers"] if name.lower() not in HOP_BY_HOP]
        return httpx.Response(answer["status"], headers=kept, content=base64.b64decode(answer["body"]), request=request)
