"""The trial `integration`: tests against the release's URL, with a real Redis beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gateline.contracts.digest import of_sources
from gateline.contracts.verdict import Outcome, Rule, Verdict, unknown
from gateline.settings import Settings, passing
from infra.host.python_env import python_for
from infra.host.redis_server import redis_server
from infra.trials.trial import Subject

LOCK = Path("requirements/integration.txt")
TESTS = "tests/integration"
RESULTS = Path("reports/integration/junit.xml")
ENDED = (0, 1)
"""The exit codes of pytest after which every test was run: all passed, or some failed."""


class Integration:
    """Runs the integration tests; every test is a rule."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """The tests themselves, and what they run with."""
        return {"tests": of_sources(root, (TESTS, str(LOCK)))}

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Run the tests and make a rule of each."""
        RESULTS.unlink(missing_ok=True)
        with (
            redis_server() as redis,
            subject.started({"GATELINE_REDIS_URL": redis}) as url,
        ):
            python = str(python_for(subject.root / LOCK, subject.root))
            argv = [python, "-m", "pytest", TESTS, "-q", f"--junitxml={RESULTS}"]
            variables = {
                "GATELINE_URL": url,
                "GATELINE_REDIS_URL": redis,
                "GATELINE_BUNDLE": str(subject.folder.resolve()),
            }
            done = subprocess.run(argv, cwd=subject.root, env=passing.variables("tests of a release") | variables)
        return Verdict.of("integration", rules(RESULTS, done.returncode), judged=judged)


def rules(results: Path, code: int) -> list[Rule]:
    """Return one rule a test case. A run that left no results, or did not come to its end, judged nothing.

    `code` is the exit code of pytest.
    """
    try:
        document = ElementTree.parse(results)  # nosec B314: pytest wrote it just now
    except (FileNotFoundError, ElementTree.ParseError):
        return [_unknown(f"the tests left no results (pytest ended with {code})", "read the output above")]
    found = [_rule(case) for case in document.iter("testcase")]
    if code not in ENDED and found:
        found.append(
            _unknown(f"the tests did not come to their end (pytest ended with {code})", "read the output above")
        )
    return found or [_unknown("no test was found", f"add one in {TESTS}")]


def _rule(case: ElementTree.Element) -> Rule:
    """A skipped test judged nothing."""
    name = str(case.get("classname", "")).rpartition("test_")[2] or "tests"
    about: dict[str, Any] = {"name": name, "subject": str(case.get("name", "")).removeprefix("test_"), "required": True}
    trouble = next((child for child in case if child.tag in ("failure", "error")), None)
    if trouble is not None:
        said = ((trouble.get("message") or "").strip() or "failed").splitlines()[0][:300]
        about |= {"outcome": Outcome.FAIL, "reason": said, "next_step": "nox -s integration -- --fresh"}
    elif case.find("skipped") is not None:
        about |= {"outcome": Outcome.INCONCLUSIVE, "reason": "the test was skipped"}
    else:
        about |= {"outcome": Outcome.PASS, "reason": f"passed in {float(case.get('time', 0)):.2f} s"}
    return Rule.model_validate(about)


def _unknown(reason: str, next_step: str) -> Rule:
    return unknown("tests", reason, required=True, next_step=next_step)
