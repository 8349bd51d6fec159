"""Runs that the audit log knows: joined with what was noted here, and in place of it where they are newer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.event import DEPLOYED, FINISHED, PACKAGED, ROLLED_BACK, SIGNED, STARTED, UPGRADED
from gateline.contracts.last_run import last_runs, leave
from infra.site.changes import bring_up_to_date, newest
from tests.gateline.contracts.test_last_run import run
from tests.infra.site.events import ONE, TWO, at, log


@pytest.mark.parametrize(
    ("kind", "change", "more", "ending", "reason"),
    [
        (DEPLOYED, "deploy", {}, "pass", ""),
        (UPGRADED, "canary", {}, "pass", ""),
        (ROLLED_BACK, "canary", {"reasons": ["slow"]}, "fail", "rolled back: slow"),
        (ROLLED_BACK, "rollback", {"reason": "by hand"}, "pass", ""),
        (FINISHED, "canary", {"decision": "hold"}, "inconclusive", "done: hold"),
        (FINISHED, "deploy", {"outcome": "failed", "error": "E: x"}, "error", "failed: E: x"),
    ],
)
def test_the_end_of_a_change_is_the_end_of_a_run(
    kind: str, change: str, more: dict[str, Any], ending: str, reason: str
) -> None:
    found = newest(log([(STARTED, ONE, change, {}), (kind, ONE, change, more)]))[f"{change}-production"]
    assert (found.ending, found.reason, found.release, found.by) == (ending, reason, ONE, "ada")
    assert (found.seconds, found.commit, found.sources) == (1.0, "c" * 40, "")


def test_builds_and_signatures_are_runs_of_no_environment_and_of_unknown_length() -> None:
    found = newest(log([(PACKAGED, ONE, "build", {}), (SIGNED, ONE, "sign", {})], "build"))
    assert [(run.key, run.seconds) for run in found.values()] == [("build", None), ("sign", None)]


def test_other_changes_are_no_runs_of_stages() -> None:
    assert newest(log([(FINISHED, "", "up", {}), (FINISHED, "", "down", {})])) == {}


def test_what_was_noted_here_learns_whose_release_it_was(tmp_path: Path) -> None:
    noted = run("deploy", "production", started=at(1), ended=at(9), sources="t", command="invoke deploy")
    leave(noted, tmp_path)
    bring_up_to_date(log([(STARTED, ONE, "deploy", {}), (DEPLOYED, ONE, "deploy", {})]), tmp_path)
    assert last_runs(tmp_path)["deploy-production"] == noted.model_copy(update={"release": ONE, "by": "ada"})


def test_what_ran_elsewhere_later_takes_its_place(tmp_path: Path) -> None:
    leave(run("deploy", "production", started=at(0), ended=at(0)), tmp_path)
    bring_up_to_date(log([(STARTED, TWO, "deploy", {}), (UPGRADED, TWO, "deploy", {})]), tmp_path)
    assert last_runs(tmp_path)["deploy-production"].release == TWO


def test_what_was_refused_here_since_stays(tmp_path: Path) -> None:
    refused = run("deploy", "production", ending="fail", started=at(30), ended=at(31))
    leave(refused, tmp_path)
    bring_up_to_date(log([(STARTED, ONE, "deploy", {}), (DEPLOYED, ONE, "deploy", {})]), tmp_path)
    assert last_runs(tmp_path)["deploy-production"] == refused
