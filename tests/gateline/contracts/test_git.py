"""What git is asked, and what is said where a real git refuses a folder that it takes for another account's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts import git
from gateline.contracts.git import Sources, sources
from infra.host.actor import commit
from infra.releases.image.building import git_tags
from infra.security.subject import files_of
from tests.gateline.contracts.test_sources import git as run
from training.artifact import Commit, commit_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and a tag, which commands run in."""
    run(tmp_path, "init", "--quiet")
    (tmp_path / "grün.py").write_text("one", encoding="utf-8")
    run(tmp_path, "add", "--all")
    run(tmp_path, "commit", "--quiet", "-m", "Start")
    run(tmp_path, "tag", "v1.2.3")
    monkeypatch.chdir(tmp_path)
    git._say_refused.cache_clear()
    return tmp_path


@pytest.fixture
def of_another_account(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, when git takes it for another account's (its own tests do so by this variable)."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    return repository


def test_git_answers(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    head = run(repository, "rev-parse", "HEAD")
    assert git.ask(repository, "rev-parse", "HEAD") == commit() == sources().commit == head
    assert commit_of(repository) == Commit(head) and git_tags() == ("v1.2.3",) and files_of(repository) == ("grün.py",)
    assert git.ask(repository, "rev-parse", "--verify", "nothing") is None
    assert capfd.readouterr().err == ""


def test_a_refusal_is_said_once_with_its_cure_and_nothing_is_known(
    of_another_account: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert (commit(), sources(), commit_of(of_another_account), git_tags()) == ("nogit", Sources(), Commit(), ())
    assert files_of(of_another_account) == ("grün.py",), "without git, every file is scanned"
    said = capfd.readouterr().err
    assert said.count("dubious ownership") == 1
    assert said.endswith(f"next: git config --global --add safe.directory {of_another_account}\n")


def test_it_can_be_said_at_once(of_another_account: Path, capfd: pytest.CaptureFixture[str]) -> None:
    git.say_where_refused(of_another_account)
    git.say_where_refused(of_another_account)
    assert capfd.readouterr().err.count("dubious ownership") == 1


def test_the_cure_works(of_another_account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    subprocess.run(["git", "config", "--global", "--add", "safe.directory", str(of_another_account)], check=True)
    assert len(commit()) == 40


def test_without_git_nothing_is_said(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert (commit(), sources()) == ("nogit", Sources())
    assert capfd.readouterr().err == ""


def test_a_command_of_ours_says_it_and_ends_as_it_would(of_another_account: Path) -> None:
    code = "from infra.host.actor import commit; from gateline.settings.front_door import front_door; "
    code += "front_door(lambda: print(commit()) or print(commit()) or 0)"
    argv = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    done = subprocess.run(argv, cwd=of_another_account, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "nogit\nnogit\n")
    assert done.stderr.count("safe.directory") == 1
