"""The word that a stage leaves of its end: written whole, read back, and never in the way where it is spoilt."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.last_run import FOLDER, LastRun, last_runs, leave

STARTED, ENDED = "2013-06-01T10:00:00.000+00:00", "2013-06-01T10:00:04.200+00:00"


def run(stage: str = "lint", environment: str = "", **more: object) -> LastRun:
    """Return a run that passed in 4.2 s."""
    body = {"stage": stage, "environment": environment, "ending": "pass", "started": STARTED, "ended": ENDED}
    return LastRun.model_validate(body | {"seconds": 4.2} | more)


def test_a_run_is_read_back_under_its_stage_and_environment(tmp_path: Path) -> None:
    for each in (run(), run("deploy", "staging"), run("deploy", "production", ending="error")):
        leave(each, tmp_path)
    assert list(last_runs(tmp_path)) == ["deploy-production", "deploy-staging", "lint"]
    assert last_runs(tmp_path)["deploy-production"].ending == "error"


def test_a_later_run_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    path = leave(run(), tmp_path)
    assert leave(run(ending="fail"), tmp_path) == path
    assert last_runs(tmp_path)["lint"].ending == "fail"


def test_what_is_no_run_is_none(tmp_path: Path) -> None:
    leave(run(), tmp_path)
    (tmp_path / FOLDER / "test.json").write_text('{"stage": "test", "ending": "great"}')
    (tmp_path / FOLDER / "train.json").write_text("{")
    assert list(last_runs(tmp_path)) == ["lint"]
    assert last_runs(tmp_path / "nowhere") == {}
