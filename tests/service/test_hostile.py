"""A service process that everything is thrown at: no answer of 5xx, the next request answered, no memory lost."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.service import bundles, processes
from tests.service.bundles import NAMED, ROW
from tests.service.test_decoder import RAW, changed_bodies
from tests.service.test_fast_path import message
from tests.service.test_predict import HOSTILE

GOOD = json.dumps({"features": ROW}).encode()
GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module", params=[True, False], ids=["generated", "scikit-learn"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Service]:
    folder = tmp_path_factory.mktemp("hostile")
    bundles.write(folder / "b", bundles.Recipe(generated=request.param))
    with processes.service(folder / "b", folder) as started:
        started.wait_for("/health/ready")
        yield started


def said_to(address: tuple[str, int], *parts: bytes, wait: float = 2.0) -> bytes:
    """Send parts as long as somebody listens, and return all that comes until the connection ends or is silent."""
    said = b""
    with socket.create_connection(address, wait) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while data := connection.recv(65_536):
                said += data
        except (ConnectionError, TimeoutError):
            pass
    return said


def statuses(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def value_of(name: str, value: str) -> bytes:
    others = json.dumps({other: given for other, given in NAMED.items() if other != name})
    return f'{{"features": {others[:-1]}, "{name}": {value}}}}}'.encode("utf-8", "surrogatepass")


MEGABYTE = b" " * 1_000_000
CLOSE = b"Connection: close\r\n"
CASES: dict[str, tuple[tuple[bytes, ...], list[int]]] = {
    "pipelined": ((message(GOOD) * 50 + GET + CLOSE + b"\r\n",), [200] * 51),
    "one of them wrong": ((message(GOOD) + message(b"{") + message(GOOD) + GET + CLOSE + b"\r\n",), [200, 400, 200, 200]),
    "100 MB with a length": ((POST + b"Content-Length: 100000000\r\n\r\n", *[MEGABYTE] * 100), [413]),
    "100 MB in chunks": ((POST + b"Transfer-Encoding: chunked\r\n\r\n", *[b"F4240\r\n" + MEGABYTE + b"\r\n"] * 100), [413]),
    "a length that is none": ((POST + b"Content-Length: -1\r\n\r\n" + GOOD,), [400]),
    "two lengths": ((POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + GOOD,), [400]),
    "a length and chunks": ((POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",), [400]),
    "a chunk that is none": ((POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",), [400]),
    "gzip": ((message(b"\x1f\x8b", "Content-Encoding: gzip\r\nConnection: close\r\n"),), [415]),
    "a header of 64 KB": ((POST + b"X-Long: " + b"a" * 65_536 + b"\r\n\r\n",), [431]),
    "no protocol": ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,), [400]),
    "HTTP/2": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), [400]),
    "an upgrade": ((GET + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n",), [200]),
    "another method": ((GET.replace(b"/health/live", b"/predict") + CLOSE + b"\r\n",), [405]),
    "an address with a query": ((message(GOOD, "Connection: close\r\n").replace(b"/predict", b"/predict?a=%00"),), [200]),
    "an address of escapes": ((message(GOOD, "Connection: close\r\n").replace(b"/predict", b"/%70redict"),), [200]),
}


@pytest.mark.parametrize(("parts", "wanted"), CASES.values(), ids=CASES)
def test_what_is_sent_over_a_connection_of_its_own(
    running: processes.Service, parts: tuple[bytes, ...], wanted: list[int]
) -> None:
    said = said_to(running.address, *parts)
    # a client that still sends when it is refused may lose the answer, as TCP goes
    assert statuses(said) == wanted or (said == b"" and wanted[0] in (413, 431)), said[:500]
    well(running)


def well(running: processes.Service) -> None:
    """See that the next request is answered, and that none was answered 5xx."""
    assert running.client.post("/predict", content=GOOD, headers={"content-type": "application/json"}).status_code == 200
    assert 'gateline_requests_total{status="5xx"} 0.0' in running.client.get("/metrics").text


def test_http_1_0_is_answered_and_closed(running: processes.Service) -> None:
    with socket.create_connection(running.address, 5) as connection:
        connection.sendall(message(GOOD).replace(b"HTTP/1.1", b"HTTP/1.0"))
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert statuses(said) == [200] and b"connection: close" in said


def test_slow_clients_hold_up_nobody(running: processes.Service) -> None:
    """Heads and bodies that come a byte at a time, and chunks without end, over a hundred connections."""
    slow = [POST, POST + b"Content-Length: 200\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\n"]
    opened = [socket.create_connection(running.address, 5) for _ in range(100)]
    try:
        for number, connection in enumerate(opened):
            connection.sendall(slow[number % 3])
        started = time.perf_counter()
        for _ in range(5):
            for number, connection in enumerate(opened):
                connection.sendall(b"1\r\n \r\n" if number % 3 == 2 else b"X")
            well(running)
        assert time.perf_counter() - started < 10
    finally:
        for connection in opened:
            connection.close()
    well(running)


def test_every_odd_body_gets_its_refusal(running: processes.Service) -> None:
    bodies = [*(body for body, _ in HOSTILE.values()), *(value_of(name, value) for name in NAMED for value in RAW)]
    for body in bodies:
        answer = running.client.post("/predict", content=body, headers={"content-type": "application/json"})
        assert answer.status_code < 500, (body[:200], answer.text)
    well(running)


def test_bodies_changed_at_random_are_never_a_server_error(running: processes.Service) -> None:
    seen: set[int] = set()
    for body in changed_bodies(bundles.schema(), NAMED, 99, 400):
        answer = running.client.post("/predict", content=body, headers={"content-type": "application/json"})
        seen.add(answer.status_code)
    assert seen == {200, 400, 422}
    well(running)


@pytest.mark.slow
def test_fifty_thousand_requests_cost_no_memory(running: processes.Service) -> None:
    chance = random.Random(5)
    bodies = [GOOD, json.dumps({"features": NAMED}).encode(), json.dumps({"rows": [NAMED] * 5}).encode()]
    bodies += list(changed_bodies(bundles.schema(), NAMED, 7, 200))
    process = psutil.Process(running.process.pid)

    def ask(times: int) -> None:
        with socket.create_connection(running.address, 30) as connection, connection.makefile("rb") as stream:
            for _ in range(times):
                connection.sendall(message(chance.choice(bodies)))
                read(stream)

    ask(5_000)
    before = memory(process)
    ask(50_000)
    assert memory(process) - before < 5 * 2**20
    well(running)


def read(stream: Any) -> None:
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b": ")
        length = int(value) if name.lower() == b"content-length" else length
    stream.read(length)


def memory(process: psutil.Process) -> int:
    """Return the bytes that are the process's own."""
    found = process.memory_full_info()
    return int(found.uss)


def test_a_file_of_the_host_is_no_path(running: processes.Service, tmp_path: Path) -> None:
    for path in (b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd", b"http://localhost/etc/passwd", b"*"):
        said = said_to(running.address, GET.replace(b"/health/live", path) + CLOSE + b"\r\n")
        assert statuses(said) in ([404], [400]), (path, said)
    well(running)
