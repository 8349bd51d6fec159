"""Every integration test is a rule; what was not run to its end judged nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome, add_up
from infra.trials.judging import Integration, rules
from infra.trials.subject import Subject, unpacked
from tests.infra.tiny_project import ROOT, Site

CASES = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
{cases}
</testsuite></testsuites>"""
GOOD = '<testcase classname="infra.trials.integration.test_contract" name="test_ready" time="0.25" />'
BAD = """<testcase classname="infra.trials.integration.test_redis" name="test_goes_on" time="1">
<failure message="assert 500 == 200&#10;more">trace</failure></testcase>"""
ERROR = (
    '<testcase classname="infra.trials.integration.test_redis" name="test_x" time="1"><error message="">t</error></testcase>'
)
SKIPPED = (
    '<testcase classname="infra.trials.integration.test_redis" name="test_y" time="0"><skipped message="no" /></testcase>'
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

def test_it_answers(client):
    assert client.get("/health/ready").status_code == 200

def test_a_real_redis_runs_alongside():
    assert redis.Redis.from_url(os.environ["GATELINE_REDIS_URL"]).ping()
    ready = httpx.get(os.environ["GATELINE_URL"] + "/health/ready", trust_env=False).json()
    assert ready["variables"]["GATELINE_REDIS_URL"] == os.environ["GATELINE_REDIS_URL"]

def test_the_bundle_is_at_hand():
    assert os.path.exists(os.environ["GATELINE_BUNDLE"] + "/release.json")

def test_it_fails():
    assert 1 == 2
"""


OWN = """
def test_my_own_uses_the_fixtures(client):
    assert client.get("/health/live").status_code == 200
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy's folder with what the tests of a release need, and folders for tests; it is the working directory."""
    root = tmp_path / "copy"
    for name in ("infra/trials/integration", "tests/integration", ".gateline", "reports"):
        (root / name).mkdir(parents=True)
    for name in ("infra", "infra/trials", "infra/trials/integration"):
        (root / name / "__init__.py").write_bytes((ROOT / name / "__init__.py").read_bytes())
    shutil.copy2(ROOT / "infra/trials/integration/fixtures.py", root / "infra/trials/integration")
    shutil.copy2(ROOT / "pyproject.toml", root)
    for name in ("requirements", ".gateline/envs"):
        (root / name).symlink_to(ROOT / name)
    monkeypatch.chdir(root)
    return root


@pytest.mark.slow
def test_the_tests_of_every_copy_and_its_own_run_against_the_release_with_a_real_redis(site: Site, copy: Path) -> None:
    (copy / "infra" / "trials" / "integration" / "test_it.py").write_text(TESTS)
    (copy / "tests" / "integration" / "test_own.py").write_text(OWN)
    release = site.release()
    bundle = unpacked(release, site.target().releases, copy)
    subject = Subject(site.target().settings, "pipeline.toml", release, bundle, copy)
    verdict = Integration().judge(subject, {"release": release.digest})
    assert verdict.stage == "integration" and verdict.judged == {"release": release.digest}
    assert {(rule.name, rule.subject): rule.outcome for rule in verdict.rules} == {
        ("it", "it_answers"): Outcome.PASS,
        ("it", "a_real_redis_runs_alongside"): Outcome.PASS,
        ("it", "the_bundle_is_at_hand"): Outcome.PASS,
        ("it", "it_fails"): Outcome.FAIL,
        ("own", "my_own_uses_the_fixtures"): Outcome.PASS,
    }


def test_without_a_release_to_ask_tests_of_a_copys_own_are_left_out(copy: Path) -> None:
    (copy / "tests" / "integration" / "test_own.py").write_text(OWN)
    (copy / "tests" / "test_model.py").write_text("def test_it() -> None:\n    pass\n")
    argv = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


def test_a_verdict_depends_on_the_tests_and_on_their_lock(site: Site, copy: Path) -> None:
    settings = site.target().settings
    for folder in ("infra/trials/integration", "tests/integration"):
        before = Integration().inputs(settings, copy)
        (copy / folder / "test_more.py").write_text("")
        assert Integration().inputs(settings, copy) != before
        (copy / folder / "test_more.py").unlink()
        assert Integration().inputs(settings, copy) == before
    (copy / "tests" / "integration").rmdir()
    assert set(Integration().inputs(settings, copy)) == {"tests"} and (ROOT / "requirements" / "integration.txt").exists()
