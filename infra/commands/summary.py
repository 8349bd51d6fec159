"""The last words of a command that changed an environment: where the audit log stands now, also on the CI's summary page."""

from __future__ import annotations

import os

from gateline.report.summary import escape
from gateline.settings.errors import GateRefused
from infra.rollout.target import Target


def close(target: Target, done: str) -> None:
    """Say the audit log's head, kept outside the log so that a cut end is seen, and put `done` on GitHub's summary page."""
    waiting = target.recorder.waiting()
    why = "until the audit log holds" if target.recorder.broken() else "for the registry"
    where = _head(target) + (f", {waiting} event(s) wait {why}" if waiting else "")
    target.say(where, "dim")
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        rehearsal = " (rehearsal: this environment serves nobody)" if target.rehearsal else ""
        with open(page, "a", encoding="utf-8") as stream:
            stream.write(f"**{escape(target.name)}**: {escape(done)}{rehearsal}  \n{escape(where)}\n\n")


def _head(target: Target) -> str:
    try:
        head = target.recorder.kept_head()
    except GateRefused as error:
        return error.message
    return f"audit head {head.count} {head.digest}" if head else "audit head none"
