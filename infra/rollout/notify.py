"""Tell people: a command or a webhook gets the event; neither can fail a rollout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
from rich.markup import escape

from settings import Notify

TIMEOUT_SECONDS = 10.0


def notify(settings: Notify, event: str, environment: str, facts: dict[str, Any], say: Callable[[str], None]) -> None:
    """Send `{"event", "environment", …facts}` to the command's standard input and to the webhook, where they are set."""
    body = json.dumps({"event": event, "environment": environment, **facts})
    if settings.command:
        _attempt(lambda: _run(list(settings.command), body), settings.command[0], say)
    if settings.webhook:
        _attempt(lambda: _post(settings.webhook, body), "the webhook", say)


def _attempt(send: Callable[[], None], what: str, say: Callable[[str], None]) -> None:
    try:
        send()
    except (OSError, subprocess.SubprocessError, httpx.HTTPError, httpx.InvalidURL) as error:
        say(f"[yellow]could not notify through {escape(what)}[/yellow]: {type(error).__name__}: {escape(str(error))}")


def _run(command: list[str], body: str) -> None:
    subprocess.run(command, input=body, text=True, check=True, timeout=TIMEOUT_SECONDS, capture_output=True)


def _post(url: str, body: str) -> None:
    headers = {"content-type": "application/json"}
    httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()
