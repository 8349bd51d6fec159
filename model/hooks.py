"""What happens to a request before, and to an answer after, the model. Both run in the service alone."""

from __future__ import annotations

from typing import Any


def before(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the rows to score, in schema order; raise ValueError with a message for the caller to refuse them (422)."""
    return rows


def after(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers to send, one a row."""
    return answers
