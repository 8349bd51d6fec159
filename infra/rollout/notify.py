"""Tell people: a command or a webhook gets the event; neither can fail a rollout."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from gateline.contracts.programs import TooSlow, run
from gateline.settings import Notify, passing
from gateline.settings.errors import OutsideError
from gateline.settings.secrets import origin
from gateline.settings.shown import one_line
from infra.host.actor import acting

TIMEOUT_SECONDS = 10.0
MARKUP = re.compile(r"(<(?=[!@#a-z])|\](?=\()|@(?=\w))")
Say = Callable[[str, str, str], None]


def notify(settings: Notify, event: str, environment: str, facts: dict[str, Any], say: Say) -> None:
    """Send `{"text", "event", "environment", "run", …facts}` to the command's standard input and to the webhook, where set.

    `text` is what chat services show of a POST; `run` is the CI run's page, empty on a laptop.
    """
    page = acting().run
    told = {"text": text_of(event, environment, facts, page), "event": event, "environment": environment, "run": page}
    body = json.dumps(told | facts)
    if settings.command:
        with _attempt(settings.command[0], say):
            done = run(settings.command, passing.variables("notify"), seconds=TIMEOUT_SECONDS, given=body)
            if done.code:
                raise OutsideError(f"it ended with exit code {done.code}")
    if settings.webhook:
        with _attempt(f"the webhook {origin(settings.webhook)}", say):
            headers = {"content-type": "application/json"}
            httpx.post(settings.webhook, content=body, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()


def text_of(event: str, environment: str, facts: Mapping[str, Any], run: str) -> str:
    """Return what a person reads: what happened where, to what, why, and where to look."""
    release = facts.get("release")
    name = f" {release['version']}" if isinstance(release, dict) else ""
    # A reason may hold text of a row or an error: it stays on one line, calls nobody, and is no link of a chat service's.
    given = (one_line(str(reason)) for reason in facts.get("reasons") or [facts.get("reason")] if reason)
    why = [MARKUP.sub(r"\1 ", reason) for reason in given]
    return f"{environment}: {event}{name}" + (f": {'; '.join(why)}" if why else "") + (f" {run}" if run else "")


@contextmanager
def _attempt(what: str, say: Say) -> Iterator[None]:
    """The reason is put together here: what the libraries say names the webhook's whole address, whose path is a secret."""
    try:
        yield
    except (OSError, OutsideError, httpx.HTTPError, httpx.InvalidURL) as error:
        say(f"nobody was told through {what}", "yellow", f": {_reason(error)}. next: check [notify] in pipeline.toml")


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        return f"it answered {answer.status_code} {answer.reason_phrase}".strip()
    if isinstance(error, httpx.TimeoutException | TooSlow):
        return f"no answer within {TIMEOUT_SECONDS:.0f} s"
    if isinstance(error, OutsideError):
        return error.message
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"it cannot be reached ({type(error).__name__})"
