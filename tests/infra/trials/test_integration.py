"""Every integration test is a rule; what was not run to its end judged nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome, add_up
from infra.trials.integration import Integration, rules
from infra.trials.running import unpacked
from infra.trials.trial import Subject
from tests.infra.tiny_project import ROOT, Site

CASES = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
{cases}
</testsuite></testsuites>"""
GOOD = '<testcase classname="tests.integration.test_contract" name="test_ready" time="0.25" />'
BAD = """<testcase classname="tests.integration.test_redis" name="test_goes_on" time="1">
<failure message="assert 500 == 200&#10;more">trace</failure></testcase>"""
ERROR = (
    '<testcase classname="tests.integration.test_redis" name="test_x" time="1"><error message="">t</error></testcase>'
)
SKIPPED = (
    '<testcase classname="tests.integration.test_redis" name="test_y" time="0"><skipped message="no" /></testcase>'
)


def results(folder: Path, *cases: str) -> Path:
    """Write what pytest would."""
    path = folder / "junit.xml"
    path.write_text(CASES.format(cases="\n".join(cases)))
    return path


def test_a_passed_test_is_a_rule_that_passed(tmp_path: Path) -> None:
    (rule,) = rules(results(tmp_path, GOOD), 0)
    assert (rule.name, rule.subject, rule.outcome) == ("contract", "ready", Outcome.PASS)
    assert rule.required and rule.reason == "passed in 0.25 s"


@pytest.mark.parametrize(
    ("case", "outcome", "reason"),
    [
        (BAD, Outcome.FAIL, "assert 500 == 200"),
        (ERROR, Outcome.FAIL, "failed"),
        (SKIPPED, Outcome.INCONCLUSIVE, "the test was skipped"),
    ],
)
def test_any_other_is_none(tmp_path: Path, case: str, outcome: Outcome, reason: str) -> None:
    found = rules(results(tmp_path, GOOD, case), 1)
    assert (found[1].name, found[1].outcome, found[1].reason) == ("redis", outcome, reason)
    assert add_up(found) is outcome


@pytest.mark.parametrize("code", [2, 3, 4, -9])
def test_a_run_that_was_cut_off_is_no_pass(tmp_path: Path, code: int) -> None:
    found = rules(results(tmp_path, GOOD), code)
    assert add_up(found) is Outcome.INCONCLUSIVE and f"ended with {code}" in found[-1].reason


def test_no_test_is_no_pass(tmp_path: Path) -> None:
    (rule,) = rules(results(tmp_path), 5)
    assert rule.outcome is Outcome.INCONCLUSIVE and rule.reason == "no test was found"


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite"])
def test_no_results_are_no_pass(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "junit.xml"
    if text is not None:
        path.write_text(text)
    (rule,) = rules(path, 2)
    assert rule.outcome is Outcome.INCONCLUSIVE and "the tests left no results (pytest ended with 2)" in rule.reason


TESTS = """
import os
import httpx
import redis

def test_it_answers():
    assert httpx.get(os.environ["GATELINE_URL"] + "/health/ready", trust_env=False).status_code == 200

def test_a_real_redis_stands_beside_it():
    assert redis.Redis.from_url(os.environ["GATELINE_REDIS_URL"]).ping()
    ready = httpx.get(os.environ["GATELINE_URL"] + "/health/ready", trust_env=False).json()
    assert ready["variables"]["GATELINE_REDIS_URL"] == os.environ["GATELINE_REDIS_URL"]

def test_the_bundle_is_at_hand():
    assert os.path.exists(os.environ["GATELINE_BUNDLE"] + "/release.json")

def test_it_fails():
    assert 1 == 2
"""


@pytest.mark.slow
def test_the_tests_run_against_the_release_with_a_real_redis(site: Site) -> None:
    folder = site.root / "tests" / "integration"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_it.py").write_text(TESTS)
    release = site.release()
    bundle = unpacked(release, site.target().releases, site.root)
    subject = Subject(site.target().settings, "pipeline.toml", release, bundle, site.root)
    verdict = Integration().judge(subject, {"release": release.digest})
    assert verdict.stage == "integration" and verdict.judged == {"release": release.digest}
    assert {rule.subject: rule.outcome for rule in verdict.rules} == {
        "it_answers": Outcome.PASS,
        "a_real_redis_stands_beside_it": Outcome.PASS,
        "the_bundle_is_at_hand": Outcome.PASS,
        "it_fails": Outcome.FAIL,
    }


def test_a_verdict_depends_on_the_tests_and_on_their_lock(site: Site) -> None:
    folder = site.root / "tests" / "integration"
    folder.mkdir(parents=True, exist_ok=True)
    before = Integration().inputs(site.target().settings, site.root)
    (folder / "test_more.py").write_text("")
    assert Integration().inputs(site.target().settings, site.root) != before
    (folder / "test_more.py").unlink()
    assert Integration().inputs(site.target().settings, site.root) == before
    assert set(before) == {"tests"} and (ROOT / "requirements" / "integration.txt").exists()
