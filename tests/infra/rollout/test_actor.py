"""Who acts, and on which commit."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

import pytest

from infra.rollout.actor import acting, commit

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octo",
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "a/b",
    "GITHUB_RUN_ID": "7",
}


def test_a_person_at_a_machine() -> None:
    actor = acting({})
    assert (actor.kind, actor.name) == ("person", getpass.getuser())


def test_the_ci_identity_wins_over_the_account() -> None:
    actor = acting(GITHUB)
    assert (actor.kind, actor.name, actor.run) == ("ci", "octo", "https://git.example/a/b/actions/runs/7")


def test_gitlab() -> None:
    actor = acting({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "lea", "CI_JOB_URL": "https://git.example/j/1"})
    assert (actor.kind, actor.name, actor.run) == ("ci", "lea", "https://git.example/j/1")


def test_commit_says_when_tracked_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert commit() == "nogit"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    (tmp_path / "a").write_text("1")
    for arguments in (["init", "-q"], ["add", "a"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = commit()
    assert len(clean) == 40
    (tmp_path / "b").write_text("not tracked")
    assert commit() == clean
    (tmp_path / "a").write_text("2")
    assert commit() == f"{clean}-dirty"


def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert acting({}).name == f"uid {os.getuid()}"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() == "nogit"
