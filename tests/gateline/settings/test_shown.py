"""What came from outside is shown on one line, and steers nothing."""

from __future__ import annotations

import json

import pytest

from gateline.settings.shown import in_json, lines_of, one_line, shown, tell, tell_message


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("Zürich 日本", "Zürich 日本"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\u202eb\u2028c\x9b", "a\\u202eb\\u2028c\\x9b"),
        (7.5, "7.5"),
        ("::error::x", "· ::error::x"),
        ("##[error]x", "# #[error]x"),
        ("a ##vso[task.setvariable]x", "a # #vso[task.setvariable]x"),
        ("a\U000e0001\u200bb\x7f", "a\\U000e0001\\u200bb\\x7f"),
        ("# heading", "# heading"),
        ("a::b", "a::b"),
    ],
)
def test_a_value_is_one_harmless_line(value: object, line: str) -> None:
    assert shown(value) == line


def test_a_long_value_is_cut_without_being_walked_through() -> None:
    assert shown("x" * 5_000_000) == "x" * 79 + "…" and shown("x" * 80) == "x" * 80


def test_text_is_made_one_line_and_never_cut() -> None:
    assert one_line("x" * 500 + "\n\x00") == "x" * 500 + "\\n\\x00"


def test_a_message_of_several_lines_steers_nothing() -> None:
    assert lines_of("a\n  next: b\n::error::x\n\x1b[2J") == "a\n  next: b\n  · ::error::x\n  \\x1b[2J"


def test_what_is_told_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\n::stop::\x1b[0m", "::error::", 3)
    tell_message("wrong\nverified: 9 events")
    assert capsys.readouterr() == ("a\\n::stop::\\x1b[0m\n· ::error::\n3\n", "wrong\n  verified: 9 events\n")


def test_json_stays_json_and_steers_nothing() -> None:
    value = {"a\u202e": ["é\x1b[2J\x9b\U000e0001\u2028", "日本"]}
    text = in_json(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(text) == value and "é" in text and "日本" in text
    assert not [sign for sign in "\u202e\x1b\x9b\U000e0001\u2028" if sign in text]
