"""Version names: day and commit, marked where the tree is dirty."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from training.artifact import Commit, commit_of

DAY = datetime(2026, 3, 4, 23, 59, tzinfo=UTC)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder: Path) -> str:
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("a")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-q", "-m", "a")
    return git(folder, "rev-parse", "HEAD")


def test_a_clean_tree_is_named_by_its_commit(tmp_path: Path) -> None:
    sha = committed(tmp_path)
    assert commit_of(tmp_path) == Commit(sha)
    assert commit_of(tmp_path).version(DAY) == f"20260304-{sha[:7]}"


def test_a_changed_tracked_file_marks_the_tree_dirty_and_an_untracked_one_does_not(tmp_path: Path) -> None:
    sha = committed(tmp_path)
    (tmp_path / "b.txt").write_text("untracked")
    assert not commit_of(tmp_path).dirty
    (tmp_path / "a.txt").write_text("changed")
    assert commit_of(tmp_path).version(DAY) == f"20260304-{sha[:7]}-dirty"


def test_without_git_or_without_a_commit_the_version_says_so(tmp_path: Path) -> None:
    assert commit_of(tmp_path).version(DAY) == "20260304-nogit"
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == Commit()
