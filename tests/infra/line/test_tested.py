"""A pass of the tests counts for exactly what they read: whatever of it changes, they run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.line import tested
from infra.line.tested import JUNIT, KEPT, RECORD, found, passes, read_by_tests, record
from tests.infra.tiny_project import Site

Change = Callable[[Path], object]
Capture = pytest.CaptureFixture[str]
SETTINGS = """
[project]
name = "tiny"
[data]
target = "late"
train = "../rows"
test = "data/test.csv"
[environments.staging]
port = 8101
"""


@pytest.fixture(params=["git", "no git"])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with rows that git ignores, some of them outside of it."""
    root = tmp_path / "a project"
    for name, text in {
        "pipeline.toml": SETTINGS,
        ".gitignore": "*.csv\nreports\n.gateline\n*.log\n",
        "model/features.py": "", "requirements/test.txt": "pytest==9\n", "tests/test_it.py": "", "tests/rows.csv": "1",
        "data/test.csv": "1", "data/schema.json": "{}", "../rows/part.csv": "1", "docs/page.md": "x", "run.log": "x",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "shared").symlink_to("docs")
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    if request.param == "git":
        subprocess.run(["git", "init", "-q"], check=True)
        subprocess.run(["git", "add", "."], check=True)
    return root


def write(name: str) -> Change:
    """Return a change of one file."""
    return lambda root: (root / name).write_text("changed = 1\n")


def ran(skipped: int = 1) -> None:
    """Leave the report of a run."""
    JUNIT.parent.mkdir(parents=True, exist_ok=True)
    JUNIT.write_text(f'<testsuites><testsuite tests="4788" skipped="{skipped}" failures="0"/></testsuites>')


def swap(root: Path) -> None:
    """Let a link to a folder lead elsewhere."""
    (root / "shared").unlink()
    (root / "shared").symlink_to("data")


@pytest.mark.parametrize(
    "change",
    [
        write("model/features.py"), write("tests/test_it.py"), write("tests/test_new.py"), write("docs/page.md"),
        write("tests/rows.csv"), write("data/test.csv"), write("../rows/part.csv"), write("../rows/more.csv"),
        write("requirements/test.txt"), write("data/schema.json"), lambda root: (root / "docs/page.md").unlink(), swap,
        lambda root: (root / "tests/test_it.py").rename(root / "tests/test_other.py"),
        lambda root: (root / "pipeline.toml").write_text((root / "pipeline.toml").read_text() + "[model]\nseed = 2\n"),
        lambda root: os.environ.__setitem__("HYPOTHESIS_PROFILE", "1"),
        lambda root: os.environ.__setitem__("PYTEST_ADDOPTS", "-k none"),
    ],
)  # fmt: skip
def test_all_that_they_read_changes_the_digest(project: Path, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HYPOTHESIS_PROFILE", "PYTEST_ADDOPTS"):
        monkeypatch.setenv(name, "")
    before = read_by_tests()
    assert before == read_by_tests()
    change(project)
    assert read_by_tests() not in (before, "")


def test_another_python_changes_the_digest(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_by_tests()
    monkeypatch.setattr(sys, "version", "3.99")
    assert read_by_tests() != before


def test_what_runs_write_changes_nothing(project: Path) -> None:
    before = read_by_tests()
    for name in ("reports/test/junit.xml", ".gateline/tested.json", "tests/__pycache__/x.pyc", ".nox/test/x"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    if (project / ".git").exists():
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "all"], check=True)
    else:
        (project / ".git").mkdir()
    assert read_by_tests() == before


@pytest.mark.parametrize("change", ['train = "s3://bucket/rows"', 'train = "gone.csv"', "train = 3", "train ="])
def test_what_cannot_be_known_has_no_digest(project: Path, change: str, capsys: Capture) -> None:
    settings = (project / "pipeline.toml").read_text()
    (project / "pipeline.toml").write_text(settings.replace('train = "../rows"', change))
    assert read_by_tests() == "" and found("") == "" and not said()


def said(*arguments: str) -> str:
    """Run it as a session does."""
    argv = [sys.executable, "-m", "infra.line.tested", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(tested.__file__).parents[2])}
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", env=environment, check=True)
    return (done.stdout + done.stderr).strip()


def test_a_pass_is_found_again(project: Path) -> None:
    digest = said()
    assert len(digest) == 64
    ran()
    assert said(f"--passed={digest}") == ""
    again, _, told = said().partition(" ")
    assert again == digest and "(4,788 cases, 1 skipped) [recorded]; again: nox -s test -- --fresh" in told
    ran(skipped=2)
    assert "[recorded; reports/test is of another run]" in said()
    write("model/features.py")(project)
    assert " " not in said()


def test_what_was_changed_meanwhile_is_not_recorded(project: Path) -> None:
    digest = read_by_tests()
    ran()
    write("model/features.py")(project)
    assert "changed while they ran" in said(f"--passed={digest}") and passes() == []


def test_the_newest_passes_are_kept(project: Path) -> None:
    ran()
    for number in range(KEPT + 2):
        (project / "docs/page.md").write_text(str(number))
        assert record(read_by_tests())
    assert len(passes()) == KEPT and found(read_by_tests())
    (project / "docs/page.md").write_text("0")
    assert not found(read_by_tests())


def test_a_spoilt_record_holds_nothing(project: Path) -> None:
    ran()
    assert record(read_by_tests())
    RECORD.write_text(RECORD.read_text() + json.dumps({"digest": "x"}))
    assert passes() == [] and not found(read_by_tests())


def test_a_file_that_cannot_be_read_is_no_reason_to_stop(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def gone(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(tested, "of_file", gone)
    monkeypatch.setattr(sys, "argv", ["tested"])
    assert tested.main() == 0
    assert capsys.readouterr().err.startswith("tests: whether they passed is not known: ")


def test_it_works_in_a_project_with_everything(site: Site) -> None:
    assert read_by_tests() == "", "its rows are made by no file"
