"""The word that a stage leaves of its end: what, when, how long, on which sources, and whether it left a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateline.contracts.last_run import LastRun, last_runs
from gateline.report import write
from gateline.settings.errors import GateRefused
from infra.line.noting import note, noted
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
    started = datetime.now(UTC) - timedelta(seconds=90)
    note("lint", "", ("nox", "-s", "lint"), started, 1)
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
    argv = [sys.executable, "-m", "infra.line.noting", session, "3", "1370080800.5", *command]
    subprocess.run(argv, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    seen = run(key)
    assert (seen.ending, seen.command) == ("inconclusive", " ".join(command))
    assert seen.started == "2013-06-01T10:00:00.500+00:00"
