"""The two trials: tests against the release's URL with a real Redis, and locust's figures against the limits."""

import secrets
import subprocess
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree

from gateline.contracts.digest import of_sources
from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.load_sample import LoadSample
from gateline.contracts.manifest import SCHEMA_FILE
from gateline.contracts.release import ARTIFACT_FOLDER
from gateline.contracts.verdict import Outcome, Rule, Verdict, unknown
from gateline.settings import Settings, passing
from gateline.settings.errors import OutsideError
from infra.host.python_env import python_for
from infra.host.redis_server import redis_server
from infra.trials.subject import Subject
from validation.benchmark.gate import inputs, judge

TESTS = "infra/trials/integration"
OWN_TESTS = "tests/integration"
"""Tests of the copy's own, where it has some."""
FIXTURES = "infra.trials.integration.fixtures"
TESTS_LOCK = Path("requirements/integration.txt")
RESULTS = Path("reports/integration/junit.xml")
ENDED = (0, 1)
"""The exit codes of pytest after which every test was run: all passed, or some failed."""
LOAD_LOCK = Path("requirements/load.txt")
SAMPLE = Path("reports/benchmark/sample.json")


class Trial(Protocol):
    """Judges one running release."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """Return the digests of everything besides the release that the verdict depends on."""
        ...

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Start the release, try it, stop it, and say what was seen."""
        ...


class Integration:
    """Runs the integration tests; every test is a rule."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """The tests themselves, and what they run with."""
        return {"tests": of_sources(root, (*folders(root), str(TESTS_LOCK)))}

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Run the tests and make a rule of each."""
        RESULTS.unlink(missing_ok=True)
        with (
            redis_server() as redis,
            subject.started({"GATELINE_REDIS_URL": redis}) as url,
        ):
            argv = [str(python_for(subject.root / TESTS_LOCK, subject.root)), "-m", "pytest", *folders(subject.root)]
            # What `nox -s test` leaves out is run here, and tests of both folders use the same fixtures.
            argv += ["-o", "addopts=", "-p", FIXTURES, "-q", f"--junitxml={RESULTS}"]
            variables = {
                "GATELINE_URL": url,
                "GATELINE_REDIS_URL": redis,
                "GATELINE_BUNDLE": str(subject.folder.resolve()),
            }
            done = subprocess.run(argv, cwd=subject.root, env=passing.variables("tests of a release") | variables)
        return Verdict.of("integration", rules(RESULTS, done.returncode), judged=judged)


def folders(root: Path) -> list[str]:
    """Return where tests of the release are: those of every copy, and its own."""
    return [TESTS, *([OWN_TESTS] if (root / OWN_TESTS).is_dir() else [])]


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
    return found or [_unknown("no test was found", f"add one in {OWN_TESTS}")]


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


class Benchmark:
    """Loads one replica with the profile of the settings."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """The profile, the limits, and the code that sends and judges."""
        return inputs(settings, root)

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Load the release with locust, with payloads made from its own schema, and judge the sample."""
        SAMPLE.parent.mkdir(parents=True, exist_ok=True)
        SAMPLE.unlink(missing_ok=True)
        token = {TOKEN_VARIABLE: secrets.token_hex(16)}
        with subject.started(token) as url:
            argv = [str(python_for(subject.root / LOAD_LOCK, subject.root)), "-m", "load", "--url", f"{url}/predict"]
            argv += ["--schema", str((subject.folder / ARTIFACT_FOLDER / SCHEMA_FILE).resolve())]
            argv += ["--config", subject.config, "--json", str(SAMPLE)]
            done = subprocess.run(argv, cwd=subject.root, env=passing.variables("load") | token)
        if not SAMPLE.exists():
            raise OutsideError(f"locust ended with {done.returncode} and left no figures", "see its output above")
        sample = LoadSample.model_validate_json(SAMPLE.read_bytes())
        return judge(sample, subject.settings.gates.benchmark, subject.release.digest, judged)


TRIALS: dict[str, Trial] = {"integration": Integration(), "benchmark": Benchmark()}
