"""The hooks that ship change nothing: a copy fills them."""

from __future__ import annotations

from typing import Any

from model.hooks import after, before


def test_rows_and_answers_pass_unchanged() -> None:
    rows: list[list[Any]] = [["JFK", 1.0, None]]
    answers: list[dict[str, Any]] = [{"prediction": 1, "probability": 0.7}]
    assert before([*rows]) == rows
    assert after([*answers]) == answers
