"""A command gets the event; one that fails is reported and fails nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gateline.settings import Notify
from infra.rollout.notify import Say, notify, text_of


@pytest.fixture()
def answer() -> list[int]:
    """What the webhook answers with."""
    return [204]


@pytest.fixture()
def webhook(answer: list[int]) -> Iterator[tuple[str, list[bytes]]]:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(answer[0])
            self.send_header("location", "/hook/T0/xoxSecret")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
    server.shutdown()
    server.server_close()


def test_command_and_webhook_get_the_event(
    tmp_path: Path, webhook: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    url, got = webhook
    write = f"import sys, pathlib; pathlib.Path({str(tmp_path / 'got')!r}).write_text(sys.stdin.read())"
    said: list[str] = []
    notify(
        Notify(command=(sys.executable, "-c", write), webhook=url),
        "rollback",
        "production",
        {"reason": "slow"},
        collect(said),
    )
    expected = {"event": "rollback", "environment": "production", "reason": "slow", "run": ""}
    expected["text"] = "production: rollback: slow"
    assert json.loads((tmp_path / "got").read_text()) == expected == json.loads(got[0])
    assert said == []


def collect(said: list[str]) -> Say:
    return lambda what, style, more: said.append(what + more)


def test_people_read_what_happened_to_what_and_where_to_look() -> None:
    facts = {"release": {"version": "20260102-abc1234"}, "reasons": ["p95 is 300 ms", "errors"]}
    run = "https://ci.example/runs/7"
    text = text_of("canary roll back", "production", facts, run)
    assert text == f"production: canary roll back 20260102-abc1234: p95 is 300 ms; errors {run}"
    assert text_of("drift", "staging", {}, "") == "staging: drift"


def test_a_reason_calls_nobody_and_links_nowhere() -> None:
    hostile = "<!channel> <https://evil.example|all is well> [ok](https://evil.example) @everyone\n\x1b[2Jp95 < 300"
    said = text_of("rollback", "production", {"reason": hostile}, "")
    assert said == (
        "production: rollback: < !channel> < https://evil.example|all is well> [ok] (https://evil.example) @ everyone"
        "\\n\\x1b[2Jp95 < 300"
    )


def test_a_failing_command_and_a_dead_webhook_are_reported(tmp_path: Path) -> None:
    said: list[str] = []
    notify(
        Notify(command=("/no/such/program",), webhook="http://127.0.0.1:9/hook"), "drift", "production", {}, collect(said)
    )
    assert len(said) == 2 and all("nobody was told through" in line for line in said)
    assert "No such file or directory" in said[0] and "http://127.0.0.1/***" in said[1] and "ConnectError" in said[1]


@pytest.mark.parametrize("status", [404, 302, 500])
def test_a_refusal_is_told_without_the_webhooks_secret(
    webhook: tuple[str, list[bytes]], answer: list[int], status: int
) -> None:
    said: list[str] = []
    answer[0] = status
    notify(Notify(webhook=f"{webhook[0]}/T0/xoxSecret?token=abc"), "drift", "production", {}, collect(said))
    assert len(said) == 1 and f"it answered {status} " in said[0]
    assert not [part for part in ("hook/", "T0", "xoxSecret", "abc") if part in said[0].replace("webhook", "")]


@pytest.mark.parametrize(("code", "why"), [("raise SystemExit(3)", "it ended with exit code 3")])
def test_a_command_that_fails_is_told_without_its_arguments(code: str, why: str) -> None:
    said: list[str] = []
    command = (sys.executable, "-c", f"{code} # https://hooks.example/xoxSecret")
    notify(Notify(command=command), "drift", "production", {}, collect(said))
    assert why in said[0] and "xoxSecret" not in said[0]


def test_nobody_to_tell() -> None:
    said: list[str] = []
    notify(Notify(), "drift", "production", {}, collect(said))
    assert said == []
