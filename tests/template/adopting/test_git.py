"""A new project is kept in git, by a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from template.adopting import git

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
    assert git.keep(project) == []
    assert told(project, "log", "--format=%an %s") == f"Somebody {git.MESSAGE}\n"
    assert told(project, "ls-files") == ".gitignore\n" and told(project, "status", "--porcelain") == ""


def test_where_git_knows_nobody_the_commit_is_left_to_the_user(project: Path) -> None:
    [left] = git.keep(project)
    assert left.startswith("not committed: git knows no name yet")
    assert told(project, "status", "--porcelain") == "A  .gitignore\n"


def test_a_folder_of_another_repository_is_left_to_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    told(project.parent, "init", "--quiet")
    assert git.keep(project) == ["it is in a git repository: commit it there"]
    assert not (project / ".git").exists() and told(project, "status", "--porcelain") == '?? "a project/"\n'


def test_without_git_it_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert git.keep(project) == [f"not in git: it is not installed here. later: {git.BY_HAND}"]


def test_a_git_that_fails_is_told_with_its_words(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    monkeypatch.setenv("GIT_INDEX_FILE", str(project / "absent" / "index"))
    [left] = git.keep(project)
    assert left.startswith("not committed: git add ended with 128: ") and "absent" in left and git.BY_HAND in left


SIGNED = {"commit.gpgsign": "true", "gpg.program": "/bin/false", "user.name": "A", "user.email": "a@example.org"}


def test_a_commit_that_is_refused_leaves_the_project_and_says_why(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(SIGNED)))
    for place, (key, value) in enumerate(SIGNED.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{place}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{place}", value)
    [left] = git.keep(project)
    assert left.startswith("not committed: git commit ended with 128: ") and "sign" in left and git.COMMIT in left
    assert told(project, "status", "--porcelain") == "A  .gitignore\n"


def test_a_hook_that_says_no_is_quoted(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    hook = tmp_path / "hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho 'no ticket number' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    monkeypatch.setenv("GIT_CONFIG_KEY_2", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_2", str(hook.parent))
    [left] = git.keep(project)
    assert left.startswith("not committed: git commit ended with 1: no ticket number\n  next: ")


@pytest.mark.parametrize("inside", [False, True])
def test_rows_that_git_ignores_are_named_with_the_rule(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    named(monkeypatch)
    ignored = tmp_path / "ignored"
    ignored.write_text("*.csv\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    monkeypatch.setenv("GIT_CONFIG_KEY_2", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_2", str(ignored))
    (project / "data").mkdir()
    for name in ("data/train.csv", "data/test.csv"):
        (project / name).touch()
    if inside:
        told(project.parent, "init", "--quiet")
    left = git.keep(project, ["data/train.csv", "data/test.csv"])
    assert "git ignores data/train.csv, data/test.csv (by '*.csv' in " in left[-1] and "git add --force" in left[-1]
    assert str(ignored) in left[-1] and len(left) == 1 + inside


def test_only_what_the_template_has_committed_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    template = tmp_path / "template"
    template.mkdir()
    told(template, "init", "--quiet")
    (template / "noxfile.py").write_text("1\n", encoding="utf-8")
    told(template, "add", "--all")
    told(template, "commit", "--quiet", "-m", "one")
    (template / "noxfile.py").write_text("2\n", encoding="utf-8")
    (template / "churn.csv").touch()
    with git.committed(template) as clean:
        assert [path.name for path in clean.folder.iterdir()] == ["noxfile.py"]
        assert (clean.folder / "noxfile.py").read_text(encoding="utf-8") == "1\n"
    assert git.edited(template) == ["noxfile.py"] and not clean.folder.exists()


@pytest.mark.parametrize("shallow", [False, True])
def test_a_copy_is_traced_back_as_git_describes_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shallow: bool
) -> None:
    named(monkeypatch)
    template = tmp_path / "template"
    template.mkdir()
    told(template, "init", "--quiet")
    for number in range(3):
        (template / "noxfile.py").write_text(f"{number}\n", encoding="utf-8")
        (template / "noxfile.py").chmod(0o755 if number else 0o644)
        told(template, "add", "--all")
        told(template, "commit", "--quiet", "-m", "again")
        if number == 1:
            told(template, "tag", "v1.0.0")
    if shallow:
        told(tmp_path, "clone", "--quiet", "--depth=1", f"file://{template}", str(tmp_path / "shallow"))
        template = tmp_path / "shallow"
    with git.committed(template) as clean:
        file = clean.folder / "noxfile.py"
        assert file.read_text(encoding="utf-8") == "2\n" and file.stat().st_mode & 0o111
    short = told(template, "rev-parse", "--short", "HEAD").strip()
    assert clean.commit == (short if shallow else f"v1.0.0-1-g{short}")
    assert told(template, "rev-parse", clean.commit) == told(template, "rev-parse", "HEAD")


def test_a_template_that_is_no_repository_is_copied_as_it_is(tmp_path: Path) -> None:
    with git.committed(tmp_path) as same:
        assert same.folder == tmp_path and same.commit == ""
    assert git.edited(tmp_path) == []


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
