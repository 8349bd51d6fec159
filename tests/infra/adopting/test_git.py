"""A new project is kept in git, by a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.adopting import git
from settings.errors import OutsideError

NAMED = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Somebody"} | {
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": "somebody@example.org",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file to keep and one to ignore, where git knows nobody."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / ".gitignore").write_text("reports/\n", encoding="utf-8")
    (folder / "reports").mkdir()
    (folder / "reports/page.html").touch()
    return folder


def named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NAMED.items():
        monkeypatch.setenv(name, value)


def told(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_it_becomes_a_repository_with_one_commit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    assert git.keep(project) == ""
    assert told(project, "log", "--format=%an %s") == f"Somebody {git.MESSAGE}\n"
    assert told(project, "ls-files") == ".gitignore\n" and told(project, "status", "--porcelain") == ""


def test_where_git_knows_nobody_the_commit_is_left_to_the_user(project: Path) -> None:
    assert git.keep(project).startswith("not committed: git knows no name yet")
    assert told(project, "status", "--porcelain") == "A  .gitignore\n"


def test_a_folder_of_another_repository_is_left_to_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    told(project.parent, "init", "--quiet")
    assert git.keep(project) == "it lies in a git repository: commit it there"
    assert not (project / ".git").exists() and told(project, "status", "--porcelain") == '?? "a project/"\n'


def test_without_git_it_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert git.keep(project) == f"not in git: it is not installed here. later: {git.BY_HAND}"


def test_a_git_that_fails_is_told_with_its_words(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    monkeypatch.setenv("GIT_INDEX_FILE", str(project / "absent" / "index"))
    with pytest.raises(OutsideError, match="git add ended with 128: .*absent"):
        git.keep(project)


def test_later_versions_come_from_an_origin_that_has_this_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch)
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    told(origin, "init", "--quiet")
    told(origin, "commit", "--quiet", "--allow-empty", "-m", "one")
    told(tmp_path, "clone", "--quiet", str(origin), str(clone))
    assert git.source(clone) == str(origin) and git.source(origin) == str(origin)
    told(clone, "commit", "--quiet", "--allow-empty", "-m", "two")
    assert git.source(clone) == str(clone), "nobody else has this commit"
    told(clone, "reset", "--quiet", "--hard", "HEAD~1")
    with_password = "https://somebody:secret@example.org/template"  # pragma: allowlist secret
    told(clone, "remote", "set-url", "origin", with_password)
    assert git.source(clone) == str(clone), "a password is not kept"
