"""What the daemon asks in each container: who says nothing again and again is ended, and nobody else."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

import pytest

from infra.releases.image import health


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.1)


class Asked:
    """The checks of one container."""

    def __init__(self, where: str, count: Path) -> None:
        self.where, self.count, self.ended = where, count, 0

    def well(self, times: int = 1) -> list[bool]:
        return [health.check(self.where, 2, self._end, self.count) for _ in range(times)]

    def _end(self) -> None:
        self.ended += 1


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Asked]:
    """A service that accepts and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Asked(f"http://127.0.0.1:{listening.getsockname()[1]}/health/ready", tmp_path / "count")


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Asked]:
    """A service whose path is the status of its answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:]))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with TCPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Asked(f"http://127.0.0.1:{server.server_address[1]}/200", tmp_path / "count")
        server.shutdown()


def test_one_that_says_nothing_twice_in_a_row_is_ended(silent: Asked, answering: Asked) -> None:
    assert answering.well() == [True]
    assert silent.well() == [False] and silent.ended == 0
    assert silent.well() == [False] and silent.ended == 1


def test_an_answer_between_begins_the_count_again(silent: Asked, answering: Asked) -> None:
    for _ in range(3):
        assert answering.well() == [True] and silent.well() == [False]
    assert silent.ended == 0


def test_one_that_never_answered_is_still_being_started(silent: Asked) -> None:
    assert silent.well(5) == [False] * 5 and silent.ended == 0


def test_one_that_is_not_ready_is_not_well_and_does_not_hang(answering: Asked) -> None:
    answering.where = answering.where.replace("/200", "/503")
    assert answering.well(5) == [False] * 5 and answering.ended == 0


def test_one_that_is_not_there_is_left_to_the_daemon(silent: Asked, answering: Asked) -> None:
    assert answering.well() == [True]
    silent.where = "http://127.0.0.1:1/health/ready"
    assert silent.well(5) == [False] * 5 and silent.ended == 0


@pytest.mark.parametrize("taken", [False, True])
def test_a_proxy_is_asked_at_its_socket(tmp_path: Path, taken: bool) -> None:
    """Where nobody accepts, the queue is full before long: that is silence, too."""
    path = tmp_path / "s"
    asked = Asked(str(path), tmp_path / "count")
    asked.count.write_text("0")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as other:
        listening.bind(str(path))
        listening.listen(0)
        if taken:
            other.connect(str(path))
        assert asked.well(2) == [False, False] and asked.ended == 1
    assert asked.well() == [False] and asked.ended == 1, "nobody listens there: it has ended"


@pytest.mark.parametrize(
    ("parent", "told"), [(0, [(-1, signal.SIGKILL), (1, signal.SIGCONT)]), (7, [])], ids=["by the daemon", "elsewhere"]
)
def test_only_a_check_that_the_daemon_started_ends_anything(
    parent: int, told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To carry this out for real would end everything that this account runs: a test of containers does, in one of them."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "getppid", lambda: parent)
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    health.end_all()
    assert sent == told


def test_where_nothing_can_be_written_what_answers_is_well(answering: Asked, tmp_path: Path) -> None:
    answering.count = tmp_path / "no folder" / "count"
    assert answering.well(2) == [True, True] and not answering.ended
