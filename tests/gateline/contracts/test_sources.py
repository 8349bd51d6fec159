"""The digest of the work tree: equal trees have one, whatever was committed; nothing in the repository is changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gateline.contracts.git import Sources, sources


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder as a known author."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture()
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, and a folder that git ignores."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.py").write_text("one")
    (tmp_path / ".gitignore").write_text("reports/\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "Start")
    return tmp_path


def test_a_clean_tree_has_its_commit_and_the_tree_of_it(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert sources(repository) == Sources(head, git(repository, "rev-parse", "HEAD^{tree}"))


def test_a_changed_and_a_new_file_are_other_sources(repository: Path) -> None:
    before = sources(repository)
    (repository / "a.py").write_text("two")
    changed = sources(repository)
    (repository / "b.py").write_text("new")
    added = sources(repository)
    assert len({before.tree, changed.tree, added.tree}) == 3
    assert changed.commit == added.commit == f"{before.commit}-dirty"


def test_a_file_edited_in_the_moment_of_the_commit_is_another_source(repository: Path) -> None:
    moment = (1_700_000_000, 1_700_000_000)
    git(repository, "config", "core.trustctime", "false")
    os.utime(repository / "a.py", moment)
    git(repository, "add", "--all")
    os.utime(repository / ".git" / "index", moment)
    (repository / "a.py").write_text("two")
    os.utime(repository / "a.py", moment)
    assert sources(repository).tree != git(repository, "rev-parse", "HEAD^{tree}")


def test_what_is_committed_later_unchanged_is_the_same_sources(repository: Path) -> None:
    (repository / "a.py").write_text("two")
    before = sources(repository)
    git(repository, "commit", "--quiet", "--all", "-m", "Change")
    after = sources(repository)
    assert (after.tree, after.commit) == (before.tree, git(repository, "rev-parse", "HEAD"))


def test_what_git_ignores_is_no_source(repository: Path) -> None:
    before = sources(repository)
    (repository / "reports").mkdir()
    (repository / "reports" / "x.html").write_text("x")
    assert sources(repository) == before


@pytest.mark.parametrize("name", [".venv", ".nox", ".gateline"])
def test_a_folder_of_a_tool_that_git_ignores_hides_no_source(repository: Path, name: str) -> None:
    (repository / ".gitignore").write_text(f"{name}/\n")
    git(repository, "commit", "--quiet", "--all", "-m", "Ignore the folder")
    before = sources(repository)
    (repository / name).mkdir()
    (repository / name / "made.py").write_text("x")
    assert sources(repository) == before == Sources(git(repository, "rev-parse", "HEAD"), before.tree)


@pytest.mark.parametrize("name", [".venv", ".nox", ".gateline"])
def test_a_link_to_what_a_tool_made_elsewhere_is_no_source(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    (repository / ".gitignore").write_text(f"{name}/\n")
    git(repository, "commit", "--quiet", "--all", "-m", "Ignore the folder")
    before = sources(repository)
    (repository / name).symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert sources(repository) == before and not before.commit.endswith("-dirty")


def test_index_and_objects_stay_as_they_were(repository: Path) -> None:
    (repository / "b.py").write_text("new")
    status, objects = git(repository, "status", "--porcelain"), sorted((repository / ".git/objects").rglob("*"))
    sources(repository)
    assert git(repository, "status", "--porcelain") == status == "?? b.py"
    assert sorted((repository / ".git/objects").rglob("*")) == objects


def test_a_project_in_a_folder_of_a_repository_has_the_sources_of_that_folder(repository: Path) -> None:
    (repository / "project").mkdir()
    (repository / "project" / "a.py").write_text("one")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "Project")
    inside = sources(repository / "project")
    (repository / "beside.py").write_text("x")
    assert sources(repository / "project") == inside
    assert inside.tree == git(repository, "rev-parse", "HEAD:project")


def test_without_git_or_where_git_ignores_the_project_nothing_is_known(repository: Path, tmp_path: Path) -> None:
    (repository / "reports").mkdir()
    assert sources(repository / "reports") == Sources()
    assert sources(Path("/")) == Sources()
