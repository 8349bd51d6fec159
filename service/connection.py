"""One HTTP connection, with limits: a head that must not be too large or too slow, a body and an answer that must not stall.

uvicorn's own protocol waits for ever for the first byte, and for the rest of a head, and takes heads of any size.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
"""Largest request line and headers together; also of the trailers after a chunked body."""
HEAD_SECONDS = 30.0
"""Longest time from the first byte (or the connection, where none comes) to the end of the head."""
MESSAGE_SECONDS = 45.0
"""Longest time from the end of the head to the end of the body: somewhat longer than `/predict` waits, which answers 408."""
ANSWER_SECONDS = 60.0
"""Longest time that a client may leave an answer unread."""


class HeadTooLarge(Exception):
    """A request's line and headers, or its trailers, are larger than `HEAD_BYTES`."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with one timer for what the client sends and one for what it must read."""

    _sending: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _in_head = True
    _head = 0
    _received = False
    _too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client `HEAD_SECONDS` for its first request."""
        super().connection_made(transport)
        self._expect(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._expect(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came. A head that is not complete must not grow beyond the limit."""
        if self.transport.is_closing():
            return
        self._received = True
        if self._sending is None:
            self._expect(HEAD_SECONDS)
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Count the head from here."""
        self._in_head, self._head = True, 0
        if self._sending is None:
            self._expect(HEAD_SECONDS)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. Raises HeadTooLarge, which the parser hands on as an error of its own."""
        if not self._in_head:
            self._measure(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with the answer; from here on the body is waited for."""
        self._head = 0
        self._measure(self.url, *(part for header in self.headers for part in header))
        self._in_head, self._head = False, 0
        self._expect(MESSAGE_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing until the answer is sent; then uvicorn's own keep-alive begins."""
        self._in_head = True
        self._expect(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with 400, and too large a head with 431; close."""
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {HEAD_BYTES} bytes")
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The client does not read: give it `ANSWER_SECONDS`."""
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _measure(self, *parts: bytes) -> None:
        """Count parts of the head with the two bytes behind each: many small headers are a large head."""
        self._head += sum(len(part) + 2 for part in parts)
        if self._head > HEAD_BYTES:
            self._too_large = True
            raise HeadTooLarge

    def _expect(self, seconds: float | None) -> None:
        """Close in so many seconds unless what is expected has come by then; None: nothing is expected."""
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head and self._received and (self.cycle is None or self.cycle.response_complete):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"the head did not arrive within {HEAD_SECONDS:g} s")
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        body = json.dumps({"detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
