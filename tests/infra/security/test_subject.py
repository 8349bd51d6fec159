"""Which files are scanned."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.security.subject import files_of
from tests.infra.security.projects import subject, write

CLEAN = (
    ".github/workflows/ci.yml",
    ".gitignore",
    "pipeline.toml",
    "requirements/dev.txt",
    "requirements/service.txt",
    "room/code.py",
)


@pytest.fixture(params=["git", "no repository", "no git"])
def either(root: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as a git repository, as a plain folder, and on a machine without git."""
    if request.param == "git":
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        subprocess.run(["git", "add", "room"], cwd=root, check=True)
    if request.param == "no git":
        monkeypatch.setenv("PATH", "")
    return root


def test_files_that_are_not_ignored_are_listed_tracked_or_not(either: Path) -> None:
    for name in ("reports/page.html", "registry/small/x.json", "room/cached.pyc", "room/__pycache__/code.pyc"):
        write(either, name, "x")
    assert files_of(either) == CLEAN


def test_a_file_that_git_tracks_but_is_gone_is_left_out(root: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "room"], cwd=root, check=True)
    (root / "room/code.py").unlink()
    assert "room/code.py" not in files_of(root)


def test_files_by_pattern(root: Path) -> None:
    assert subject(root).named("*.py", ".github/workflows/*.yml") == [".github/workflows/ci.yml", "room/code.py"]


def test_what_a_run_writes_is_never_scanned_also_without_git(tmp_path: Path) -> None:
    for name in (".gateline/envs/x.py", ".nox/lint/y.py", ".venv/z.py", "reports/a.json", "kept.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert files_of(tmp_path) == ("kept.py",)
