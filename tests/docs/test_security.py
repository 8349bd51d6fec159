"""The threat model names tests that are there, and the proxy before the port lets in whom it knows."""

from __future__ import annotations

import ast
import re
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

import infra.engines  # noqa: F401  (engines and the proxy know each other: this way round they can be imported)
from infra.haproxy import configuration as haproxy
from infra.host.ports import free_ports
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ANSWERED: dict[str, str | None] = {}


def missing(text: str) -> list[str]:
    """Return the tests that a page names and that are not there, and the threats that name none."""
    complaints = [f"{path}::{name}" for path, name in NAMED.findall(text) if name not in _tests(ROOT / path)]
    threats = [line for line in text.splitlines() if line.startswith("|") and line.count("|") == 6]
    return complaints + [line for line in threats[2:] if not NAMED.search(line)]


def _tests(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_threat_is_held_by_a_test_that_is_there() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8").partition("## What is judged")[0]
    assert missing(text) == [] and len(NAMED.findall(text)) > 20


@pytest.mark.parametrize("held", ["`tests/docs/test_security.py::test_nowhere`", "`tests/no.py::test_x`", "nothing"])
def test_a_threat_that_nothing_holds_is_named(held: str) -> None:
    assert missing(f"| who | tries | off | on | held by |\n|---|---|---|---|---|\n| a | b | c | d | {held} |")


@pytest.fixture
def behind() -> Iterator[int]:
    """Stand for the port of production: it answers anybody, and keeps what it was asked with."""

    class Anybody(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            names = ("Host", "Authorization", "X-Gateline-Traffic")
            ANSWERED.update({name: self.headers[name] for name in names})
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Anybody) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def front(behind: int, tmp_path: Path) -> Iterator[str]:
    """Start the proxy of the page on free ports, and return its address."""
    [block] = [block for block in blocks(PAGE) if block.language == "haproxy"]
    [port] = free_ports(1, ())
    text = block.text.replace("8443", str(port)).replace("8100", str(behind))
    (tmp_path / "haproxy.cfg").write_text(text, encoding="utf-8")
    argv = [haproxy.binary(), "-db", "-f", str(tmp_path / "haproxy.cfg")]
    running = subprocess.Popen(argv, env={"SHOP_PASSWORD": "of the test"})
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        running.terminate()
        running.wait(10)


def test_the_proxy_before_the_port_lets_in_whom_it_knows(front: str, behind: int) -> None:
    known, made_up = httpx.BasicAuth("shop", "of the test"), {"X-Gateline-Traffic": "synthetic"}
    assert httpx.post(f"{front}/predict", json={}).status_code == 401
    assert httpx.post(f"{front}/predict", json={}, auth=("shop", "guessed")).status_code == 401
    for path in ("metrics", "drift", "docs", "openapi.json", "health/ready", "predict/x"):
        assert httpx.get(f"{front}/{path}", auth=known).status_code == 404
    assert httpx.post(f"{front}/predict", json={}, auth=known, headers=made_up).status_code == 200
    assert ANSWERED == {"Host": f"127.0.0.1:{behind}", "Authorization": None, "X-Gateline-Traffic": None}
