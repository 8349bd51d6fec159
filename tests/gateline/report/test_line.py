"""The pipeline's state: what was run last, on which sources, and nothing that nobody recorded."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from gateline.contracts.git import Sources
from gateline.contracts.last_run import leave
from gateline.contracts.verdict import Verdict, at_most
from gateline.report import page
from gateline.report.line import Line, Step, line
from gateline.stages import APART, PIPELINE
from tests.gateline.contracts.test_last_run import ENDED, run
from tests.gateline.report.examples import failing, passing
from tests.gateline.report.pages import Page

NOW = Sources("c" * 40, "t" * 40)
HERE = {"commit": NOW.commit, "sources": NOW.tree}


def state(folder: Path, present: Sources = NOW) -> Line:
    """Return the state from a folder of reports."""
    return line(folder, present, ENDED)


def step(folder: Path, key: str, present: Sources = NOW) -> Step:
    """Return one step by its stage's key."""
    read = state(folder, present)
    return next(each for each in (*read.steps, *read.beside) if each.stage.key == key)


def verdict(folder: Path, stage: str, made: Verdict) -> None:
    """Leave a verdict and a page."""
    home = folder / stage
    home.mkdir(parents=True, exist_ok=True)
    (home / "verdict.json").write_text(made.model_dump_json())
    (home / "index.html").write_text("x")


def all_pass(folder: Path, **more: object) -> None:
    """Let every stage that the pipeline needs pass on the present sources."""
    for stage in PIPELINE:
        if not stage.optional:
            leave(run(stage.name, stage.environment, **(HERE | more)), folder)


def test_what_was_never_run_is_said_so(tmp_path: Path) -> None:
    read = state(tmp_path)
    assert {each.ending for each in read.steps} == {None} and read.beside == ()
    assert read.ending == "inconclusive" and read.summary[0] == "0 of 14 stages passed on these sources"
    said = Page.read(page.line(read)).said()
    assert said.count("not run") == len(PIPELINE)


def test_a_run_is_shown_with_its_seconds_commit_and_release(tmp_path: Path) -> None:
    leave(run("deploy", "staging", release="ab" * 32, by="ada", **HERE), tmp_path)
    shown = step(tmp_path, "deploy-staging")
    assert (shown.ending, shown.seconds, shown.commit, shown.by) == ("pass", 4.2, NOW.commit, "ada")
    assert shown.elsewhere == ""
    said = Page.read(page.line(state(tmp_path))).said()
    assert {"passed", "4.2 s", "ccccccc", "abababababab", "by ada", "2013-06-01 10:00:04 UTC"} <= set(said)


@pytest.mark.parametrize(
    ("recorded", "present", "said"),
    [
        (HERE, NOW, ""),
        (HERE, Sources("d" * 40, NOW.tree), ""),
        (HERE, Sources(NOW.commit + "-dirty", "x" * 40), "other sources than now"),
        ({"commit": NOW.commit}, NOW, ""),
        ({"commit": "d" * 40}, NOW, "other sources than now"),
        ({"commit": NOW.commit}, Sources(NOW.commit + "-dirty", "x"), "other sources than now"),
        ({"commit": "c-dirty"}, Sources("c-dirty", "x"), "sources not compared: both have changes"),
        ({}, NOW, "sources not recorded"),
        (HERE, Sources(), "sources not compared: git knows none here"),
    ],
)
def test_a_result_of_other_sources_is_marked(
    tmp_path: Path, recorded: dict[str, str], present: Sources, said: str
) -> None:
    leave(run(**recorded), tmp_path)
    assert step(tmp_path, "lint", present).elsewhere == said
    assert (said in Page.read(page.line(state(tmp_path, present))).said()) is bool(said)


def test_the_verdict_that_a_run_left_gives_the_reason(tmp_path: Path) -> None:
    verdict(tmp_path, "benchmark", failing())
    leave(run("benchmark", ending="fail", left_verdict=True, **HERE), tmp_path)
    shown = step(tmp_path, "benchmark")
    assert (shown.ending, shown.reason) == ("fail", "p95 is 262.5 ms, above the limit 200 (and 1 more failed)")
    assert shown.page == "benchmark/index.html"


def test_a_run_that_broke_off_is_not_covered_by_an_older_verdict(tmp_path: Path) -> None:
    verdict(tmp_path, "train", passing("train").model_copy(update={"created": "2013-05-01T10:00:00+00:00"}))
    leave(run("train", ending="error", reason="ended with exit code 2", **HERE), tmp_path)
    shown = step(tmp_path, "train")
    assert (shown.ending, shown.reason, shown.page) == ("error", "ended with exit code 2", "train/index.html")
    assert state(tmp_path).ending == "fail"


def test_a_verdict_that_was_reached_since_counts(tmp_path: Path) -> None:
    leave(run("train", ending="error", **HERE), tmp_path)
    verdict(tmp_path, "train", passing("train").model_copy(update={"created": "2013-07-01T10:00:00+00:00"}))
    shown = step(tmp_path, "train")
    assert (shown.ending, shown.seconds, shown.elsewhere) == ("pass", None, "sources not recorded")


def test_a_verdict_of_one_environment_is_none_of_another(tmp_path: Path) -> None:
    about = {"release": "ab" * 32, "environment": "staging"}
    verdict(tmp_path, "smoke", Verdict.of("smoke", [at_most("x", 1, 2)], judged=about))
    assert step(tmp_path, "smoke-staging").ending == "pass"
    shown = step(tmp_path, "smoke-production")
    assert (shown.ending, shown.page) == (None, "")


def test_a_canary_whose_verdict_passed_but_was_not_promoted_failed(tmp_path: Path) -> None:
    verdict(tmp_path, "canary", passing("canary"))
    leave(run("canary", "production", ending="fail", left_verdict=True, reason="ended with exit code 1"), tmp_path)
    shown = step(tmp_path, "canary-production")
    assert (shown.ending, shown.reason) == ("fail", "ended with exit code 1")


def test_the_pipeline_passes_only_where_all_passed_on_these_sources(tmp_path: Path) -> None:
    all_pass(tmp_path)
    assert state(tmp_path).ending == "pass"
    assert state(tmp_path).summary == ("14 of 14 stages passed on these sources",)
    leave(run("test", commit="d" * 40, sources="u" * 40), tmp_path)
    assert state(tmp_path).ending == "inconclusive"
    assert state(tmp_path).summary[1] == "passed on other or unknown sources: Test"
    leave(run("sign", ending="fail", **HERE), tmp_path)
    assert state(tmp_path).ending == "fail"
    assert state(tmp_path).summary[:2] == ("13 of 15 stages passed on these sources", "failed: Sign")


def test_stages_outside_the_pipeline_stand_there_once_they_were_run(tmp_path: Path) -> None:
    leave(run("rollback", "production"), tmp_path)
    leave(run("deploy", "qa", command="invoke deploy --env=qa"), tmp_path)
    assert [each.stage.key for each in state(tmp_path).beside] == ["rollback-production", "deploy-qa"]
    assert {stage.key for stage in APART} >= {"promote-production", "drift-production"}


def test_the_output_that_the_pipeline_kept_is_linked_where_it_is_this_runs(tmp_path: Path) -> None:
    log = tmp_path / "pipeline" / "deploy-staging.log"
    log.parent.mkdir()
    log.write_text("x")
    leave(run("deploy", "staging"), tmp_path)
    ended = datetime.fromisoformat(ENDED).timestamp()
    for late, linked in ((1.0, True), (60.0, False)):
        os.utime(log, (ended + late, ended + late))
        assert bool(step(tmp_path, "deploy-staging").links) is linked


def test_a_page_without_a_record_is_not_called_not_run(tmp_path: Path) -> None:
    (tmp_path / "test" / "coverage").mkdir(parents=True)
    (tmp_path / "test" / "coverage" / "index.html").write_text("x")
    read = Page.read(page.line(state(tmp_path)))
    assert "no record of how it ended" in read.said() and "test/coverage/index.html" in read.attributes("href")


def test_a_spoilt_run_is_none(tmp_path: Path) -> None:
    path = leave(run(), tmp_path)
    path.write_text(path.read_text().replace('"pass"', '"splendid"'))
    assert step(tmp_path, "lint").ending is None
