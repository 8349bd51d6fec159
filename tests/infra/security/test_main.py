"""The stage as it is called: one verdict, one SARIF file, one bill, one record, one exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateline.contracts.verdict import ASKED, Outcome, Verdict
from gateline.registry.verdicts import Verdicts
from gateline.settings.front_door import front_door
from infra.security.__main__ import main
from tests.infra.security import projects

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ended:
    """How a run of the stage ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the stage in the project, as `python -m infra.security` does."""
    offline(root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["infra.security", *arguments])
        code = front_door(main)
        return Ended(code, *capsys.readouterr())

    return call


def offline(root: Path) -> None:
    """Ask a database that nobody answers for."""
    with (root / "pipeline.toml").open("a") as stream:
        stream.write('[gates.security]\nosv_url = "http://127.0.0.1:9/v1/query"\n')


def verdict(root: Path) -> Verdict:
    """Return the verdict that was written."""
    return Verdict.model_validate_json((root / "reports/security/verdict.json").read_text())


@pytest.mark.slow
def test_a_clean_project_passes_and_names_what_was_not_judged(run: Run, root: Path, model_file: bytes) -> None:
    release = projects.build(root, model_file)
    done = run()
    assert done.code == 0, done.out + done.err
    said = verdict(root)
    assert (said.outcome, said.not_judged) == (Outcome.PASS, ("vulnerabilities", "dockerfile"))
    assert said.judged["release"] == release.digest
    recorded = Verdicts(projects.store(root)).about("security", "release", release.digest)
    assert recorded is not None and recorded.rules == said.rules
    shutil.copyfile(root / "pipeline.toml", root / "lax.toml")
    assert run("--config", "lax.toml").code == 0
    assert ASKED in verdict(root).judged and len(Verdicts(projects.store(root)).counting("security")) == 1
    assert {path.name for path in (root / "reports/security").iterdir()} >= {
        "verdict.json", "index.html", "summary.md", "results.sarif", "sbom.cdx.json",
    }  # fmt: skip


@pytest.mark.slow
def test_a_finding_fails_the_stage_and_is_scanned_again_each_time(run: Run, root: Path, model_file: bytes) -> None:
    projects.build(root, model_file)
    assert run().code == 0
    projects.write(root, "room/code.py", "import subprocess\nsubprocess.run(open('x').read(), shell=True)\n")
    done = run()
    assert done.code == 1, done.out + done.err
    assert "room/code.py:2" in done.out
    said = verdict(root)
    assert not said.recorded and [rule.name for rule in said.failed] == ["code"]
    assert said.plots[0].cells[0][:4] == ("code", "bandit", "B602", "room/code.py:2")
    results = json.loads((root / "reports/security/results.sarif").read_text())
    assert [result["ruleId"] for run in results["runs"] for result in run["results"]] == ["B602"]


@pytest.mark.slow
def test_without_a_model_the_stage_is_inconclusive(run: Run, root: Path) -> None:
    done = run()
    assert done.code == 3, done.out + done.err
    assert {"digest", "unsafe_load"} < set(verdict(root).not_judged)


def test_an_unknown_release_is_bad_usage(run: Run, root: Path) -> None:
    done = run("--release", "feedbeefcafe")
    assert done.code == 2
    assert "feedbeefcafe" in done.err and "Traceback" not in done.err
    assert not (root / "reports").exists()


def test_help_shows_examples() -> None:
    command = [sys.executable, "-m", "infra.security", "--help"]
    assert "examples:" in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
