"""Run the application under uvicorn: one process, a port of its own, connections with limits, a clean stop.

uvicorn's own protocol waits for ever for the first byte, and for the rest of a head, and takes heads of any size.
"""

import asyncio
import errno
import json
import math
import signal
import socket
from http import HTTPStatus
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateline.contracts.headers import HANDED_ON
from gateline.settings.errors import OutsideError
from service.predict import PATH, AtOnce

BACKLOG = 2048
PREDICT = PATH.encode()
HANDED_ON_NAME = HANDED_ON.lower().encode()
KEEP_ALIVE_SECONDS = 65
"""Longer than the proxy keeps idle connections (60 s), so that it is the proxy that closes them."""
HEAD_BYTES = 65_536
"""Largest request line and headers together; also of the trailers after a chunked body."""
LARGE = f"the head is larger than {HEAD_BYTES} bytes"
HEAD_SECONDS = 30.0
"""Longest time from the first byte (or the connection, where none comes) to the end of the head."""
MESSAGE_SECONDS = 45.0
"""Longest time from the end of the head to the end of the body: somewhat longer than `/predict` waits, which answers 408."""
ANSWER_SECONDS = 60.0
"""Longest time that a client may leave an answer unread."""


class HeadTooLarge(Exception):
    """A request's line and headers, or its trailers, are larger than `HEAD_BYTES`."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits of time and size, and a short way for requests that are answered at once.

    A request to /predict whose head and body came together is offered to the endpoint's `at_once` before anything of ASGI
    is made for it. Where that answers, the answer is written and done with; where not, uvicorn takes over what came so far.
    """

    oldest = math.inf
    """Seconds after which a connection is closed with its next answer, so that its client opens another one."""
    _closes = math.inf
    _due = math.inf
    """When what is expected must have come."""
    _ticking: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _expects_sending = False
    _in_head = True
    _head = 0
    _packet = _most = 0
    """Bytes that came last, and an upper bound of the size of the head that is in them."""
    _received = False
    _too_large = False
    _said: list[tuple[bytes, bytes]] | None = None
    """The headers that the server adds to every answer, and below as they are sent."""
    _named = b""
    _offered: list[bytes] | None = None
    """The body of a request for `at_once`, until it is complete; None where uvicorn has the request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client `HEAD_SECONDS` for its first request."""
        super().connection_made(transport)
        self._at_once: AtOnce | None = getattr(self.app, "at_once", None)
        self._closes = self.loop.time() + self.oldest
        self._expect(HEAD_SECONDS)
        self._ticking = self.loop.call_later(HEAD_SECONDS, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        if self._ticking is not None:
            self._ticking.cancel()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came. A head that is not complete must not grow beyond the limit."""
        if self.transport.is_closing():
            return
        self._received, self._packet = True, len(data)
        self._most += len(data)
        if not self._expects_sending:
            self._expect(HEAD_SECONDS)
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._offered is not None and not self.transport.is_closing():
            self._hand_over()
        if self._in_head and self._head > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, LARGE)

    def on_message_begin(self) -> None:
        """Count the head from here."""
        self._in_head, self._head = True, 0
        if not self._expects_sending:
            self._expect(HEAD_SECONDS)
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. Raises HeadTooLarge, which the parser hands on as an error of its own."""
        if not self._in_head:
            self._measure(name, value)
        name = name.lower()
        if name == HANDED_ON_NAME:
            name = b"authorization"
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin with the answer; from here on the body is waited for."""
        self._head = 0
        if self._most > HEAD_BYTES:
            self._measure(self.url, *(part for header in self.headers for part in header))
        self._in_head, self._head, self._most = False, 0, self._packet
        if self._may_be_answered_at_once():
            self._offered = []
        else:
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        if self._offered is not None:
            self._offered.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer at once, or wait for nothing until the answer is sent."""
        self._in_head = True
        if self._offered is not None:
            if self._answered(b"".join(self._offered)):
                self._offered = None
                return
            self._hand_over()
        self._expects_sending, self._due = False, math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin with the next request, or wait for it: what uvicorn does, without a timer of its own."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._expects_sending:
            self._idle()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with 400, and too large a head with 431; close."""
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, LARGE)
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

    def _may_be_answered_at_once(self) -> bool:
        """Nothing of this connection is under way, and what comes is a prediction, kept alive, of HTTP/1.1."""
        if self._is_old():
            return False
        if self._at_once is None or self.url != PREDICT or (self.cycle is not None and not self.cycle.response_complete):
            return False
        parser = self.parser
        kept = parser.should_keep_alive() and parser.get_http_version() == "1.1" and not parser.should_upgrade()
        return bool(kept and parser.get_method() == b"POST" and not self.flow.write_paused)

    def _is_old(self) -> bool:
        return self.loop.time() >= self._closes

    def _answered(self, body: bytes) -> bool:
        assert self._at_once is not None
        written = self._at_once(self.headers, self.server, body)
        if written is None:
            return False
        status, rest = written
        if self._said is not self.server_state.default_headers:  # made once a second, with the time in them
            self._said = self.server_state.default_headers
            self._named = b"".join([b"%b: %b\r\n" % header for header in self._said])
        self.transport.write(STATUS_LINE[status] + self._named + rest)
        self.server_state.total_requests += 1
        self._idle()
        return True

    def _hand_over(self) -> None:
        """Let uvicorn do with the request what it would have done with it from the start, and wait for the body."""
        url, headers, continues, body = self.url, self.headers, self.expect_100_continue, self._offered
        self._offered = None
        self._expect(MESSAGE_SECONDS)
        super().on_message_begin()
        self.headers += headers
        self.url, self.expect_100_continue = url, continues
        super().on_headers_complete()
        if self._is_old() and self.cycle is not None:
            self.cycle.keep_alive = False
        if body:
            super().on_body(b"".join(body))

    def _measure(self, *parts: bytes) -> None:
        """Count parts of the head with the two bytes behind each: many small headers are a large head."""
        self._head += sum(len(part) + 2 for part in parts)
        if self._head > HEAD_BYTES:
            self._too_large = True
            raise HeadTooLarge

    def _expect(self, seconds: float) -> None:
        """Close in so many seconds unless what is expected has come by then."""
        self._expects_sending, self._due = True, self.loop.time() + seconds

    def _idle(self) -> None:
        """Keep the connection for the next request."""
        self._expects_sending, self._due = False, self.loop.time() + KEEP_ALIVE_SECONDS

    def _tick(self) -> None:
        """Look whether something is late. One timer a connection: to set one for each request costs more than to look now
        and then. No limit is shorter than `HEAD_SECONDS`, so that none is passed unseen."""
        now = self.loop.time()
        if now >= self._due:
            self._due = math.inf
            if self._expects_sending:
                self._too_slow()
            else:
                self.timeout_keep_alive_handler()
        if not self.transport.is_closing():
            self._ticking = self.loop.call_later(min(HEAD_SECONDS, max(self._due - now, 0.0)), self._tick)

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


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises OutsideError where the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            taken = f"port {port} of {host} is taken by another process"
            raise OutsideError(taken, "stop that process, or give another --port") from None
        why = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise OutsideError(why, "give another --host or --port") from None


def server(drain_seconds: float, oldest: float = math.inf) -> uvicorn.Server:
    """Return a server without an application; `run` gives it one. Connections older than `oldest` seconds are closed."""

    class Aging(Connection):
        """A connection of this server."""

    Aging.oldest = oldest
    config = uvicorn.Config(
        app=FastAPI(),
        http=Aging,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(drain_seconds),
    )
    return uvicorn.Server(config)


def run(server: uvicorn.Server, app: FastAPI, listening: socket.socket) -> None:
    """Serve until told to stop by SIGTERM (ends with exit code 0) or SIGINT, running requests finished first."""

    def end(number: int, frame: FrameType | None) -> None:
        """uvicorn hands the signal on when all requests are answered; before it serves there is nothing to finish."""
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    server.config.app = app
    server.run(sockets=[listening])
