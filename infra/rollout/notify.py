"""Tell people: a command or a webhook gets the event; neither can fail a rollout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from rich.markup import escape

from infra.rollout.actor import acting
from settings import Notify

TIMEOUT_SECONDS = 10.0


def notify(settings: Notify, event: str, environment: str, facts: dict[str, Any], say: Callable[[str], None]) -> None:
    """Send `{"text", "event", "environment", "run", …facts}` to the command's standard input and to the webhook, where set.

    `text` is what chat services show of a POST; `run` is the CI run's page, empty on a laptop.
    """
    run = acting().run
    told = {"text": text_of(event, environment, facts, run), "event": event, "environment": environment, "run": run}
    body = json.dumps(told | facts)
    if settings.command:
        _attempt(lambda: _run(list(settings.command), body), settings.command[0], say)
    if settings.webhook:
        _attempt(lambda: _post(settings.webhook, body), "the webhook", say)


def text_of(event: str, environment: str, facts: Mapping[str, Any], run: str) -> str:
    """Return what a person reads: what happened where, to what, why, and where to look."""
    release = facts.get("release")
    name = f" {release['version']}" if isinstance(release, dict) else ""
    why = [str(reason) for reason in facts.get("reasons") or [facts.get("reason")] if reason]
    return f"{environment}: {event}{name}" + (f": {'; '.join(why)}" if why else "") + (f" {run}" if run else "")


def _attempt(send: Callable[[], None], what: str, say: Callable[[str], None]) -> None:
    try:
        send()
    except (OSError, subprocess.SubprocessError, httpx.HTTPError, httpx.InvalidURL) as error:
        say(f"[yellow]could not notify through {escape(what)}[/yellow]: {type(error).__name__}: {escape(str(error))}")


def _run(command: list[str], body: str) -> None:
    subprocess.run(command, input=body.encode(), check=True, timeout=TIMEOUT_SECONDS, capture_output=True)


def _post(url: str, body: str) -> None:
    headers = {"content-type": "application/json"}
    httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()
