"""A service to put load on, with known faults by path; `GET` tells how many requests a path has seen."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DELAY_SECONDS, SLOW_SECONDS = 0.02, 0.2
STALL_AT, STALL_SECONDS = 60, 1.0
COLD_REQUESTS, COLD_SECONDS = 30, 0.3
ERROR_EVERY = 10
RELEASE = "f00d" * 16
seen: Counter[str] = Counter()


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request after a known time; a stall holds up the whole process, as a garbage collection would."""
    if scope["type"] != "http":
        return
    path = scope["path"]
    if scope["method"] == "GET":
        return await _answer(send, 200, str(seen[path]).encode())
    body = await _body(receive)
    seen[path] += 1
    number = seen[path]
    await asyncio.sleep(_delay(path, number))
    if number == STALL_AT and path in ("/stall", "/hiccup"):
        time.sleep(STALL_SECONDS)
    failing = path == "/errors" and number % ERROR_EVERY == 0
    status = 500 if failing else 200 if _is_row(body) else 422
    await _answer(send, status, b"{}" if path == "/empty" else b'{"prediction": 1}')


def _delay(path: str, number: int) -> float:
    if path == "/cold" and number <= COLD_REQUESTS:
        return COLD_SECONDS
    return {"/hang": 3600.0, "/slow": SLOW_SECONDS, "/hiccup": 0.001}.get(path, DELAY_SECONDS)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-gateline-release", RELEASE.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _is_row(body: bytes) -> bool:
    row = json.loads(body)["features"]
    return len(row) == 2 and 0 <= row[0] <= 10 and row[1] in ("a", "b", None)
