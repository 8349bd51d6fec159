"""The answers of a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings.errors import UsageError
from infra.commands.answers import Answers, read


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("flights", "flights"),
        ("My Project 2", "my-project-2"),
        ("2nd try", "project-2nd-try"),
        ("--A--b__C--", "a-b-c"),
        ("x" * 50, "x" * 40),
    ],
)
def test_any_name_becomes_one_that_settings_take(name: str, slug: str) -> None:
    assert Answers(name, "classification", "flights", "late").slug == slug


def test_they_are_read_from_the_file_that_copier_writes(tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").write_text("_commit: abc\nname: A b\ntask: regression\ndata: x.csv\ntarget: y\n")
    answers = read(tmp_path)
    assert (answers.slug, answers.task, answers.target, answers.own_data) == ("a-b", "regression", "y", True)


@pytest.mark.parametrize(("text", "words"), [(None, "is missing"), ("name: x\n", "is damaged"), (": [", "is damaged")])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / ".copier-answers.yml").write_text(text)
    with pytest.raises(UsageError, match=rf"copier-answers.yml {words}"):
        read(tmp_path)
