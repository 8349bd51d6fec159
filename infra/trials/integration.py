"""The trial `integration`: tests against the release's URL, with a real Redis beside it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

from contracts.digest import of_sources
from contracts.verdict import Outcome, Rule, Verdict, unknown
from infra.process.python_env import python_for
from infra.redis_server import redis_server
from infra.trials.running import running
from infra.trials.trial import Subject
from settings import Settings

LOCK = Path("requirements/integration.txt")
TESTS = "tests/integration"
RESULTS = Path("reports/integration/junit.xml")


class Integration:
    """Runs the integration tests; every test is a rule."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """The tests themselves."""
        return {"tests": of_sources(root, (TESTS,))}

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Run the tests and make a rule of each."""
        RESULTS.unlink(missing_ok=True)
        with (
            redis_server() as redis,
            running(subject.release, subject.folder, subject.root, {"GATELINE_REDIS_URL": redis}) as url,
        ):
            argv = [
                str(python_for(subject.root / LOCK, subject.root)),
                "-m",
                "pytest",
                TESTS,
                "-q",
                f"--junitxml={RESULTS}",
            ]
            variables = {
                "GATELINE_URL": url,
                "GATELINE_REDIS_URL": redis,
                "GATELINE_BUNDLE": str(subject.folder.resolve()),
            }
            subprocess.run(argv, cwd=subject.root, env=os.environ | variables)
        return Verdict.of("integration", rules(RESULTS), judged=judged)


def rules(results: Path) -> list[Rule]:
    """Return one rule a test case; a run that left no results judged nothing."""
    if not results.exists():
        return [unknown("tests", "the tests left no results", required=True, next_step="read the output above")]
    cases = list(ElementTree.parse(results).iter("testcase"))  # nosec B314: pytest wrote it just now
    return [_rule(case) for case in cases] or [
        unknown("tests", "no test was found", required=True, next_step=f"add one in {TESTS}")
    ]


def _rule(case: ElementTree.Element) -> Rule:
    """A skipped test judged nothing."""
    name = str(case.get("classname", "")).rpartition("test_")[2] or "tests"
    about = {"name": name, "subject": str(case.get("name", "")).removeprefix("test_"), "required": True}
    trouble = next((child for child in case if child.tag in ("failure", "error")), None)
    if trouble is not None:
        said = (trouble.get("message") or "failed").splitlines()[0][:300]
        return Rule.model_validate(
            about | {"outcome": Outcome.FAIL, "reason": said, "next_step": "nox -s integration -- --fresh"}
        )
    if case.find("skipped") is not None:
        return unknown(reason="the test was skipped", **about)  # type: ignore[arg-type]
    return Rule.model_validate(
        about | {"outcome": Outcome.PASS, "reason": f"passed in {float(case.get('time', 0)):.2f} s"}
    )
