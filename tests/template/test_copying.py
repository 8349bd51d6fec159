"""What can be known to be wrong is said before anything is copied."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError, UsageError
from infra.commands.answers import FILE, note, read
from infra.host.python_env import python_for
from template.copying import Wanted, _gone_again, _tell_of_libraries, _to_go_on, new

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_how_rows_are_written_is_told_before_anything_is_refused(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str, word: str
) -> None:
    Path(rows).write_bytes(ROWS.replace(",", mark).replace("yes", "für").encode("cp1252"))
    with pytest.raises(UsageError, match="rows that have a value of 'late.': 1; at least 20"):
        new(str(tmp_path / "copy"), Wanted(data=rows, target="late?"), True)
    said = capsys.readouterr().out
    assert said.startswith("reading rows.csv\nread: ") and word in said and "Windows-1252" in said
    assert not (tmp_path / "copy").exists()


def test_answers_that_changed_are_kept(tmp_path: Path) -> None:
    kept = {"name": "Münze 2", "task": "classification", "data": "/home/me/rows.csv", "target": "late?"}
    (tmp_path / FILE).write_text("".join(f"{name}: '{value}'\n" for name, value in kept.items()), encoding="utf-8")
    note(tmp_path, data="rows.csv", _src_path="/there")
    answers = read(tmp_path)
    assert (answers.name, answers.data, answers.target) == ("Münze 2", "rows.csv", "late?")
    assert "_src_path: /there\n" in (tmp_path / FILE).read_text(encoding="utf-8")


def test_a_file_at_home_is_found(rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Wanted(data="~/rows.csv").answers(tmp_path / "p").data == rows


def customers(path: Path, count: int = 400) -> Path:
    """Write rows of which some left; return the path."""
    lines = [f"{i + 1},{i % 97},{'yes' if i % 97 > 60 else 'no'}" for i in range(count)]
    path.write_text("\n".join(["customerID,spend,left", *lines]) + "\n", encoding="utf-8")
    return path


def test_a_dry_run_prints_split_schema_and_settings_and_makes_nothing(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = customers(tmp_path / "customers.csv")
    assert new(str(tmp_path / "copy"), Wanted(data=str(data), target="left"), defaults=True, dry_run=True) == 0
    said = capsys.readouterr().out
    split = "239 rows to train on, 161 to test on"
    for line in (split, '"name": "customerID"', "metrics.positive = 'yes'", "nothing was made"):
        assert line in said, said
    assert not (tmp_path / "copy").exists()


def test_what_is_not_given_is_asked_for_at_a_terminal(
    rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = customers(tmp_path / "customers.csv")
    typed = io.StringIO(f"Churn\n{data}\nleft\nclassification\n")
    monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", typed)
    assert new(str(tmp_path / "copy"), Wanted(), defaults=False, dry_run=True) == 0
    said = capsys.readouterr().out
    assert "Which column should be predicted?" in said and "data.target = 'left'" in said


def test_what_fails_later_leaves_the_folder_and_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a project").mkdir()
    with pytest.raises(OutsideError) as failed, _to_go_on(tmp_path / "a project"):
        raise OutsideError("no network", "run it again")
    assert failed.value.next_step.endswith("a project' && nox -s adopt") and "again" not in failed.value.next_step
    with pytest.raises(SystemExit), _to_go_on(tmp_path / "a project"):
        raise SystemExit(2)
    assert (tmp_path / "a project").is_dir() and "a project' && nox -s adopt" in capsys.readouterr().err
    with pytest.raises(OutsideError), _gone_again(tmp_path / "a project"):
        raise OutsideError("no copier")
    assert not (tmp_path / "a project").exists() and "no project was made" in capsys.readouterr().err


def test_that_libraries_are_installed_is_said_where_they_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locks = [Path("template.txt"), Path("train.txt")]
    for lock, text in zip(locks, ("# one\n", "# two\n"), strict=True):
        (tmp_path / lock).write_text(text, encoding="utf-8")
    python_for(tmp_path / locks[0], tmp_path)
    _tell_of_libraries(tmp_path, locks[:1])
    assert capsys.readouterr().out == ""
    _tell_of_libraries(tmp_path, locks)
    assert capsys.readouterr().out.startswith("installing the libraries that copy and train: once")
