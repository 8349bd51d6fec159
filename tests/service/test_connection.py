"""One connection at a replica's own port: what is too large, too slow or left unread ends, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from service import server as connection
from service.server import HEAD_BYTES, Connection

pytestmark = pytest.mark.anyio

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer a body with itself; `/large` with more than sockets hold unread."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    answer = b"a" * 50_000_000 if scope["path"] == "/large" else body
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for start in range(0, max(len(answer), 1), 1_000_000):
        part, more = answer[start : start + 1_000_000], start + 1_000_000 < len(answer)
        await send({"type": "http.response.body", "body": part, "more_body": more})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be patient for tenths of a second."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connection, "MESSAGE_SECONDS", 0.5)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.3)


@pytest.fixture()
async def streams() -> AsyncIterator[Streams]:
    """A connection to a server that echoes."""
    config, state = uvicorn.Config(echo, log_config=None, ws="none"), ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    yield reader, writer
    writer.close()
    server.close()


async def rest(reader: asyncio.StreamReader, seconds: float = 5.0) -> bytes:
    """Return all that comes until the connection is closed."""
    async with asyncio.timeout(seconds):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return the body of one answer."""
    async with asyncio.timeout(5.0):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def drip(writer: asyncio.StreamWriter, piece: bytes = b"a") -> None:
    """Send a byte now and then, until nobody listens."""
    try:
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        return


async def test_a_silent_client_is_closed_without_a_word(streams: Streams) -> None:
    assert await rest(streams[0]) == b""


async def test_a_slow_head_is_answered_408_and_closed(streams: Streams) -> None:
    reader, writer = streams
    writer.write(GET + b"X-Slow: ")
    dripping = asyncio.create_task(drip(writer))
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    await dripping


@pytest.mark.parametrize("piece", [b"a", b"1\r\nx\r\n"], ids=["by length", "in chunks"])
async def test_a_body_that_never_ends_is_closed(streams: Streams, piece: bytes) -> None:
    reader, writer = streams
    writer.write(POST + (b"Content-Length: 99999\r\n\r\n" if piece == b"a" else b"Transfer-Encoding: chunked\r\n\r\n"))
    dripping = asyncio.create_task(drip(writer, piece))
    assert await rest(reader) == b""
    await dripping


async def test_a_client_that_goes_slow_after_an_answer_is_closed(streams: Streams) -> None:
    reader, writer = streams
    writer.write(GET + b"\r\n")
    assert await answered(reader) == b""
    dripping = asyncio.create_task(drip(writer, b"\r\n"))
    await rest(reader)
    await dripping


async def test_an_answer_that_nobody_reads_is_given_up(streams: Streams) -> None:
    reader, writer = streams
    writer.write(b"GET /large HTTP/1.1\r\nHost: a.example\r\n\r\n")
    await asyncio.sleep(1.0)
    assert len(await rest(reader)) < 50_000_000


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Long: " + b"a" * 2_000_000,
        GET + b"X-Long: " + b"a" * HEAD_BYTES + b"\r\n\r\n",
        GET + b"X: a\r\n" * (HEAD_BYTES // 6) + b"\r\n",
        b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\nHost: a.example\r\n\r\n",
        GET + b"".join(b"X-%d: a\r\n" % number for number in range(20_000)) + b"\r\n",
    ],
    ids=["never ends", "one header", "small headers", "path", "many headers"],
)
async def test_a_large_head_is_answered_431_and_closed(streams: Streams, head: bytes) -> None:
    reader, writer = streams
    writer.write(head)
    said = await rest(reader)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")
    if said:
        assert json.loads(said.partition(b"\r\n\r\n")[2])["detail"] == f"the head is larger than {HEAD_BYTES} bytes"


async def test_large_trailers_are_no_way_around(streams: Streams) -> None:
    reader, writer = streams
    trailers = b"".join(b"X-%d: a\r\n" % number for number in range(20_000))
    writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n")
    assert b" 200 " not in await rest(reader)


async def test_what_is_no_http_is_still_400(streams: Streams) -> None:
    reader, writer = streams
    writer.write(b"\x00\xff\r\n\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 400 ")


async def test_ordinary_requests_follow_each_other_at_any_pace(streams: Streams) -> None:
    """A head just below the limit, a body in pieces, a pause, a pipelined pair."""
    reader, writer = streams
    long = b"X-Long: " + b"a" * (HEAD_BYTES - 200) + b"\r\n"
    writer.write(POST + long + b"Content-Length: 6\r\n\r\nabc")
    await asyncio.sleep(0.2)
    writer.write(b"def")
    assert await answered(reader) == b"abcdef"
    await asyncio.sleep(0.6)
    writer.write(2 * (POST + b"Content-Length: 2\r\n\r\nok"))
    assert [await answered(reader), await answered(reader)] == [b"ok", b"ok"]


class AtOnce:
    """An application that answers `ok` at once, but leaves a body of `wait` to ASGI."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as `echo` does."""
        await echo(scope, receive, send)

    def at_once(self, headers: Any, server: Any, body: bytes) -> tuple[int, bytes] | None:
        """Note what is asked."""
        self.asked.append(body)
        self.headers = [*headers]
        return None if body == b"wait" else (200, b"content-length: 2\r\n\r\nok")


PREDICT = POST.replace(b" / ", b" /predict ")


def predict(body: bytes) -> bytes:
    return PREDICT + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture()
async def quickly() -> AsyncIterator[tuple[Streams, AtOnce]]:
    """A connection to a server that answers predictions at once."""
    app = AtOnce()
    config = uvicorn.Config(app, log_config=None, ws="none", interface="asgi3", proxy_headers=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    yield (reader, writer), app
    writer.close()
    server.close()


async def test_a_whole_prediction_is_answered_at_once_and_all_else_by_the_application(
    quickly: tuple[Streams, AtOnce],
) -> None:
    (reader, writer), app = quickly
    writer.write(predict(b"a") + predict(b"wait") + predict(b"b") + GET + b"\r\n" + predict(b"c"))
    assert [await answered(reader) for _ in range(5)] == [b"ok", b"wait", b"b", b"", b"c"]
    assert app.asked == [b"a", b"wait"], "what waits behind another answer is not answered before it"
    writer.write(predict(b"d"))
    assert await answered(reader) == b"ok" and app.asked[-1] == b"d"


async def test_a_body_that_comes_after_the_end_of_its_head_is_the_applications(quickly: tuple[Streams, AtOnce]) -> None:
    (reader, writer), app = quickly
    whole = predict(b"abc")
    for cut, by in ((10, b"ok"), (len(PREDICT), b"ok"), (len(whole) - 3, b"abc"), (len(whole) - 1, b"abc")):
        writer.write(whole[:cut])
        await asyncio.sleep(0.05)
        writer.write(whole[cut:])
        assert await answered(reader) == by, cut
    assert app.asked == [b"abc"] * 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_kept_connection_without_a_request_is_closed(
    quickly: tuple[Streams, AtOnce], monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.8)
    reader, writer = quickly[0]
    for _ in range(3):  # each answer gives it new time
        writer.write(predict(b"a" if at_once else b"wait"))
        await answered(reader)
        await asyncio.sleep(0.5)
    assert await rest(reader) == b""


async def test_a_client_that_goes_slow_after_an_answer_at_once_is_told(quickly: tuple[Streams, AtOnce]) -> None:
    reader, writer = quickly[0]
    writer.write(predict(b"a"))
    assert await answered(reader) == b"ok"
    writer.write(PREDICT + b"X-Slow: ")
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_large_head_is_refused_where_answers_are_given_at_once(quickly: tuple[Streams, AtOnce]) -> None:
    (reader, writer), app = quickly
    for _ in range(3):  # heads below the limit are not added up
        writer.write(PREDICT + b"X-Long: " + b"a" * (HEAD_BYTES // 2) + b"\r\nContent-Length: 1\r\n\r\na")
        assert await answered(reader) in (b"ok", b"a")
    writer.write(PREDICT + b"X: a\r\n" * (HEAD_BYTES // 6) + b"Content-Length: 1\r\n\r\na")
    said = await rest(reader)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")


async def test_a_key_that_was_handed_on_is_read_as_authorization(quickly: tuple[Streams, AtOnce]) -> None:
    (reader, writer), app = quickly
    writer.write(predict(b"a").replace(b"\r\n\r\n", b"\r\nX-Gateline-Authorization: Bearer k\r\n\r\n", 1))
    assert await answered(reader) == b"ok"
    assert (b"authorization", b"Bearer k") in [tuple(header) for header in app.headers]


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_old_connection_is_closed_with_an_answer_that_says_so(
    quickly: tuple[Streams, AtOnce], monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr(Connection, "oldest", 0.4)
    (reader, writer), app = quickly
    port = writer.get_extra_info("peername")[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = predict(b"a" if at_once else b"wait")
    writer.write(asked)
    first = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(len(b"ok") if at_once else len(b"wait"))
    assert b"connection: close" not in first.lower()
    await asyncio.sleep(0.5)
    writer.write(asked)
    second = await rest(reader)
    assert second.startswith(b"HTTP/1.1 200 ") and b"connection: close" in second.lower(), second
    writer.close()
    await writer.wait_closed()
