"""The word that a stage leaves of its end: what, when, how long, on which sources, and whether it left a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateline.contracts import git
from gateline.contracts.last_run import STARTED, LastRun, Started, last_runs
from gateline.report import write
from gateline.settings.errors import GateRefused
from infra.line.run_records import note, noted
from tests.gateline.report.examples import failing
from tests.gateline.report.pages import Page
from tests.infra.tiny_project import ROOT

REPORTS = Path("reports")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def run(key: str = "benchmark") -> LastRun:
    """Return the last run of a stage."""
    return last_runs(REPORTS)[key]


def test_seconds_end_and_command_are_noted_and_the_page_shows_them() -> None:
    note(Started(stage="lint", command=("nox", "-s", "lint"), since=time.time() - 90), 1)
    seen = run("lint")
    assert (seen.ending, seen.command, seen.reason) == ("fail", "nox -s lint", "ended with exit code 1")
    assert 90 <= (seen.seconds or 0) < 100 and seen.commit == seen.sources == ""
    assert "1 min 30 s" in Page.read(REPORTS / "index.html").said()


def test_a_verdict_written_in_the_run_is_its_own_and_an_older_one_is_not() -> None:
    with noted("benchmark") as end:
        write(failing())
        end.code = 1
    assert run().left_verdict
    old = datetime.now(UTC).timestamp() - 60
    os.utime(REPORTS / "benchmark" / "verdict.json", (old, old))
    with noted("benchmark") as end:
        end.code = 1
    assert not run().left_verdict


@pytest.fixture
def digested(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The folders of which the tree was digested, in a repository with a commit."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for argv in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", *argv], check=True, cwd=folder)
    original, listed = git._tree, list[Path]()

    def counting(folder: Path, prefix: str) -> str | None:
        listed.append(folder)
        return original(folder, prefix)

    monkeypatch.setattr(git, "_tree", counting)
    yield listed


def test_a_stage_with_a_verdict_leaves_word_with_it_and_the_tree_is_digested_once(digested: list[Path]) -> None:
    with noted("benchmark", "staging") as end:
        write(failing())
        seen = run("benchmark-staging")
        end.code = 1
    assert (seen.ending, seen.left_verdict, len(digested)) == ("fail", True, 1)
    assert seen == run("benchmark-staging") and seen.sources and STARTED not in os.environ
    assert "ended with exit code 1" in Page.read(REPORTS / "index.html").said() or seen.reason
    with noted("benchmark", "staging") as end:
        write(failing())
        end.code = 4
    assert (run("benchmark-staging").ending, len(digested)) == ("error", 3), "it broke off after its verdict"


def test_a_stage_without_a_verdict_digests_the_tree_once(digested: list[Path]) -> None:
    with noted("deploy", "staging") as end:
        end.of(lambda: 0)
    assert len(digested) == 1 and run("deploy-staging").sources


def test_a_verdict_of_another_stage_leaves_no_word(digested: list[Path]) -> None:
    with noted("deploy", "staging") as end:
        write(failing())
        assert not last_runs(REPORTS)
        end.code = 0
    assert set(last_runs(REPORTS)) == {"deploy-staging"}


def test_why_a_command_was_refused_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise GateRefused("release 1 was left by a rollback", "deploy another", rule="quarantine")

    with noted("deploy", "staging") as end:
        end.of(refuse)
    assert (end.code, run("deploy-staging").reason) == (1, "quarantine: release 1 was left by a rollback")
    assert "next: deploy another" in capsys.readouterr().err
    with noted("deploy", "staging") as end:
        end.of(lambda: 0)
    assert (run("deploy-staging").ending, run("deploy-staging").reason) == ("pass", "")


def test_what_is_interrupted_broke_off() -> None:
    with pytest.raises(KeyboardInterrupt), noted("deploy", "staging"):
        raise KeyboardInterrupt
    assert run("deploy-staging").ending == "error"


def test_without_a_stage_nothing_is_noted() -> None:
    with noted("") as end:
        end.code = 0
    assert not REPORTS.exists()


def test_where_it_cannot_be_written_the_stage_ends_as_it_would(capsys: pytest.CaptureFixture[str]) -> None:
    REPORTS.write_text("a file where the folder should be")
    with noted("build") as end:
        end.code = 0
    assert "how build ended is not in reports: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("session", "more", "key"),
    [("train", [], "train"), ("drift", [], "drift-production"), ("drift", ["--", "--env=qa"], "drift-qa")],
)
def test_a_session_notes_itself_as_a_module(session: str, more: list[str], key: str) -> None:
    command = ["nox", "-s", session, *more]
    argv = [sys.executable, "-m", "infra.line.run_records", session, "3", "1370080800.5", *command]
    subprocess.run(argv, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    seen = run(key)
    assert (seen.ending, seen.command) == ("inconclusive", " ".join(command))
    assert seen.started == "2013-06-01T10:00:00.500+00:00"
