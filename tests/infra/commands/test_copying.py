"""What can be known to be wrong is said before anything is copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.adopting.answers import FILE, note, read
from infra.commands.copying import Wanted, new
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
        (
            {"task": "regresion"},
            True,
            "--task is 'regresion'; did you mean 'regression'?",
            "classification, regression",
        ),
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


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_rows_that_commas_do_not_part_are_named(rows: str, tmp_path: Path, mark: str) -> None:
    Path(rows).write_text(ROWS.replace(",", mark), encoding="utf-8")
    with pytest.raises(UsageError, match="is separated by") as refused:
        new(str(tmp_path / "copy"), Wanted(data=rows, target="late?"), True)
    assert repr(mark) in str(refused.value) and not (tmp_path / "copy").exists()


def test_answers_that_changed_are_kept(tmp_path: Path) -> None:
    kept = {"name": "Münze 2", "task": "classification", "data": "/home/me/rows.csv", "target": "late?"}
    (tmp_path / FILE).write_text("".join(f"{name}: '{value}'\n" for name, value in kept.items()), encoding="utf-8")
    note(tmp_path, data="rows.csv", _src_path="/there")
    answers = read(tmp_path)
    assert (answers.name, answers.data, answers.target) == ("Münze 2", "rows.csv", "late?")
    assert "_src_path: /there\n" in (tmp_path / FILE).read_text(encoding="utf-8")


def test_a_file_at_home_is_found(rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Wanted(data="~/rows.csv").flags == ["--data", f"data={rows}"]
