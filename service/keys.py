"""Who is let in: where the service has keys, a request carries one as `Authorization: Bearer KEY` (RFC 6750)."""

from collections.abc import Collection
from hmac import compare_digest

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.refusals import told_as

HEALTH = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
"""Asked by the proxy, by container engines and by Kubernetes, which have no key; the answers tell of no row."""
METRICS = "/metrics"
REALM = 'Bearer realm="predictions"'
NONE = "this service asks for a key: send the header 'Authorization: Bearer KEY'"
WRONG = "the key in the header 'Authorization' is not one of this service's"


class KnownKeys:
    """Answers 401 to a request without one of the keys."""

    def __init__(self, app: ASGIApp, keys: Collection[str], open_metrics: bool) -> None:
        self._app = app
        self._keys = tuple(key.encode() for key in keys)
        self._open = frozenset((*HEALTH, METRICS) if open_metrics else HEALTH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._open:
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not self.knows(given):
                about = f'{REALM}, error="invalid_token"' if given else REALM
                body = {told_as(scope["path"]): WRONG if given else NONE}
                return await JSONResponse(body, 401, {"WWW-Authenticate": about})(scope, receive, send)
        await self._app(scope, receive, send)

    def knows(self, header: bytes) -> bool:
        """Say whether the value of `Authorization` carries one of the keys, in a time that does not tell how much is right."""
        scheme, _, key = header.partition(b" ")
        same = [compare_digest(key.strip(), known) for known in self._keys]  # all of them: none ends the search
        return scheme.lower() == b"bearer" and any(same)
