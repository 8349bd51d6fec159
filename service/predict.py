"""POST /predict: HTTP in, HTTP out, and everything between handed to the steps in `answering`.

An ordinary request is answered by `at_once`: a call, with nothing to wait for. All others take the way of ASGI; both
answer the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateline.contracts.headers import RELEASE, REQUEST_ID, TOKEN, TRAFFIC
from gateline.contracts.release import Release
from service.answering import INLINE_ROWS, Answering
from service.door import KnownHosts, read_body
from service.exchange import Exchange
from service.keys import KnownKeys
from service.refusals import Refusal
from service.state import Loaded, State

if TYPE_CHECKING:
    from gateline.contracts.encoding import Encoded
    from service.predictor import Scores

PATH = "/predict"
CALLED = f"POST {PATH}"
"""What the log calls a request."""
INLINE_BYTES = 16_384
"""Bodies up to this size are read on the event loop; a thread costs more than it gives."""
JSON = frozenset(
    f"application/json{end}".encode() for end in ("", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8", ";charset=UTF-8")
)
"""What clients write for JSON."""
APART = frozenset((b"content-encoding", b"transfer-encoding", b"expect"))
"""What makes a request no ordinary one."""
TRAFFIC_NAME, TOKEN_NAME, ID_NAME = (name.lower().encode() for name in (TRAFFIC, TOKEN, REQUEST_ID))
RawHeaders = Sequence[tuple[bytes, bytes]]
Server = tuple[str, int | None] | None
"""Address and port that a request came in at."""
Written = tuple[int, bytes]
"""Status of an answer, and all that follows the server's own headers: headers, an empty line, the body."""
AtOnce = Callable[[RawHeaders, Server, bytes], Written | None]
"""Headers with names in lower case, where the request came in, and its body."""


class Reply(NamedTuple):
    """One answer of /predict."""

    status: int
    body: str
    """JSON in ASCII."""
    headers: Mapping[str, str] = {}
    """Besides those of every answer."""


class PredictEndpoint:
    """Answers predictions of the release in `state`; counts every answer; lets no exception through."""

    def __init__(
        self,
        release: Release,
        state: State,
        answering: Answering,
        exchange: Exchange,
        hosts: Collection[str],
        keys: Collection[str] = (),
    ) -> None:
        """`hosts` and `keys` are as in `service.app.Options`."""
        self._release, self._state, self._answering, self._exchange = release, state, answering, exchange
        self._keys = KnownKeys(self._predict, keys, False) if keys else None
        self._door = KnownHosts(self._keys or self._predict, hosts)
        self._limit = release.service.max_body_bytes
        self._inline = -1 if answering.cache else min(INLINE_BYTES, self._limit)
        self._head = f"\r\nx-gateline-release: {release.digest}\r\ncontent-length: "
        self._end = f', "model_version": {json.dumps(release.version)}, "request_id": "'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST to /predict, as ASGI; a `Host` that is not known gets 421, no key 401."""
        await self._door(scope, receive, send)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200, 4xx with what is wrong, 500 where model or hook failed, 503 while loading."""
        started = time.perf_counter()
        request = Request(scope, receive)
        request_id = self._exchange.named(request.headers.get(REQUEST_ID))
        try:
            reply = Reply(200, await self._answer(request, request_id))
        except Exception as error:
            reply = self._failed(error, request_id)
        self._exchange.finished(CALLED, request_id, reply.status, time.perf_counter() - started)
        own = {**reply.headers, REQUEST_ID: request_id, RELEASE: self._release.digest}
        own |= {"content-length": str(len(reply.body)), "content-type": "application/json"}
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body.encode()})

    def at_once(self, raw: RawHeaders, server: Server, body: bytes) -> Written | None:
        """Answer an ordinary request; None for any other, for which nothing was done or counted then.

        An ordinary request has JSON that is surely right, of few rows, and generated Python scores them.
        """
        started = time.perf_counter()
        loaded, given = self._state.loaded, dict(raw)
        if loaded is None or not loaded.at_once or len(given) < len(raw) or not self._is_ordinary(given, server, body):
            return None
        asked = loaded.requests.certain(body)
        if asked is None or len(asked.rows) > INLINE_ROWS:
            return None
        wanted, marked = given.get(ID_NAME), given.get(TRAFFIC_NAME)
        token, told = given.get(TOKEN_NAME, b""), ""
        made_up = marked is not None and self._exchange.made_up(marked.decode("latin-1"), token.decode("latin-1"))
        request_id = self._exchange.named(None if wanted is None else wanted.decode("latin-1"))
        try:
            rows = self._answering.prepare(loaded, asked.rows)
            scores = loaded.predictor.score(rows)
            status, content = 200, self._content(loaded, asked.single, rows, scores, request_id, made_up)
        except Exception as error:
            status, content, more = self._failed(error, request_id)
            told = "".join(f"{name.lower()}: {value}\r\n" for name, value in more.items())
        self._exchange.finished(CALLED, request_id, status, time.perf_counter() - started)
        head = f"{told}x-request-id: {request_id}{self._head}{len(content)}\r\ncontent-type: application/json\r\n\r\n"
        return status, f"{head}{content}".encode("latin-1")

    def _is_ordinary(self, given: dict[bytes, bytes], server: Server, body: bytes) -> bool:
        if given.get(b"content-type") not in JSON or not APART.isdisjoint(given) or len(body) > self._inline:
            return False
        host = given.get(b"host")
        if host is not None and not self._door.lets_in(host, server):
            return False
        return self._keys is None or self._keys.knows(given.get(b"authorization", b""))

    async def _answer(self, request: Request, request_id: str) -> str:
        loaded = self._state.loaded
        if loaded is None:
            raise Refusal(503, "the model is being loaded", {"Retry-After": "1"})
        body = await read_body(request, self._limit)
        steps = self._answering
        async with self._exchange.limits.held():
            asked = await steps.off_loop(len(body) > INLINE_BYTES, lambda: loaded.requests.read(body))
            rows = steps.prepare(loaded, asked.rows)
            scores = await steps.scores(loaded, rows)
        made_up = self._exchange.made_up(request.headers.get(TRAFFIC), request.headers.get(TOKEN, ""))
        return self._content(loaded, asked.single, rows, scores, request_id, made_up)

    def _content(
        self, loaded: Loaded, single: bool, rows: list[Encoded], scores: Scores, request_id: str, made_up: bool
    ) -> str:
        """Return the body of an answer, and count it. Raises BrokenModel, and what the hook's own answers raise."""
        predictor = loaded.predictor
        plain = predictor.plain(scores[0]) if single else None
        if plain:
            text, labels = plain
            content = f'{text}{self._end}{request_id}"}}'
        else:
            answers = predictor.answer(scores)
            named = {"model_version": self._release.version, "request_id": request_id}
            told = (answers[0] if single else {"predictions": answers}) | named
            content, labels = json.dumps(told, allow_nan=False), predictor.answered(answers)
        self._answering.count(loaded, request_id, rows, scores, labels, made_up)
        return content

    def _failed(self, error: Exception, request_id: str) -> Reply:
        failure = self._exchange.failed(error, request_id)
        return Reply(failure.status, _detail(failure.message, request_id), failure.headers)


def _detail(message: str, request_id: str) -> str:
    return json.dumps({"detail": message, "request_id": request_id})
