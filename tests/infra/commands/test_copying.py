"""What can be known to be wrong is said before anything is copied, and a copy knows where later versions come from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.adopting.answers import FILE, note, read
from infra.commands.copying import Wanted, _source, new
from settings.errors import UsageError

ROOT = Path(__file__).parents[3]
ROWS = "order id,late?\n1,yes\n"


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of one row; commands run in the template's folder."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8-sig")
    return str(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("given", "defaults", "says", "next_step"),
    [
        ({"target": "lat?"}, True, "no column 'lat?'; did you mean 'late?'", "one of: order id, late?"),
        ({}, True, "which column of .* is to be predicted", "--target=COLUMN, one of: order id, late?"),
        ({"data": "none.csv"}, True, "none.csv is no file", "'flights'"),
        ({"target": "late?"}, False, "no terminal to ask for --name, --task", "--defaults"),
    ],
)
def test_nothing_is_copied(
    rows: str, tmp_path: Path, given: dict[str, str], defaults: bool, says: str, next_step: str
) -> None:
    wanted = Wanted(**({"data": rows} | given))
    with pytest.raises(UsageError, match=says.replace("?", r"\?")) as refused:
        new(str(tmp_path / "copy"), wanted, defaults)
    assert next_step in refused.value.next_step
    assert not (tmp_path / "copy").exists()


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_later_versions_come_from_an_origin_that_has_this_commit(tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet")
    git(origin, "commit", "--quiet", "--allow-empty", "-m", "one")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    assert _source(clone) == str(origin) and _source(origin) == str(origin)
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "two")
    assert _source(clone) == str(clone), "nobody else has this commit"
    git(clone, "reset", "--quiet", "--hard", "HEAD~1")
    with_password = "https://somebody:secret@example.org/template"  # pragma: allowlist secret
    git(clone, "remote", "set-url", "origin", with_password)
    assert _source(clone) == str(clone), "a password is not kept"


def test_answers_that_changed_are_kept(tmp_path: Path) -> None:
    kept = {"name": "Münze 2", "task": "classification", "data": "/home/me/rows.csv", "target": "late?"}
    (tmp_path / FILE).write_text("".join(f"{name}: '{value}'\n" for name, value in kept.items()), encoding="utf-8")
    note(tmp_path, data="rows.csv", _src_path="/there")
    answers = read(tmp_path)
    assert (answers.name, answers.data, answers.target) == ("Münze 2", "rows.csv", "late?")
    assert "_src_path: /there\n" in (tmp_path / FILE).read_text(encoding="utf-8")
