"""The workflow of a copy, run on this host: on a push to main, and on a pull request that gets no secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.verdict import Outcome, Rule
from infra.process.python_env import python_for
from settings import load
from tests.template.command import Place
from tests.template.runner import Event, Runner

HOSTED = {"RUNNER_ENVIRONMENT": "github-hosted"}
GATES = ("quality", "data", "train", "integration", "security")
DEPLOYING = ("build", "staging", "production")
STRANGER = {"head": {"ref": "theirs", "repo": {"fork": True}}, "base": {"ref": "main"}, "user": {"login": "stranger"}}
BY_HAND = {"data": "validate_data", "train": "validate_model", "integration": "integration", "security": "security"}
"""Jobs, and a stage of theirs whose verdict must be the one that the same command gives by hand."""


@dataclass(frozen=True)
class Workflows:
    """The runs in one copy, in which `nox -s pipeline` was run by hand before."""

    place: Place
    root: Path

    def rules(self) -> list[Rule]:
        """Return a rule for every job of every run, and for what the runs left."""
        push = Event("push", {"ref": "refs/heads/main"}, HOSTED)
        stranger = Event("pull_request", {"number": 1, "pull_request": STRANGER}, HOSTED)
        found = self._run(push, (*GATES, *DEPLOYING)) + [self._as_by_hand(job) for job in BY_HAND]
        return found + self._run(stranger, GATES) + [self._is_nobodys_candidate()]

    def _kept(self, event: str) -> Path:
        return self.place.log.parent / f"{self.place.name} {event}" / "kept"

    def _run(self, event: Event, expected: tuple[str, ...]) -> list[Rule]:
        act = python_for(self.root / "requirements/act.txt", self.root).parent / "act"
        runner = Runner(act, self.place.programs, self.place.folder, self._kept(event.name))
        begun = time.monotonic()
        ended = runner.run("pipeline.yml", event)
        seconds = time.monotonic() - begun
        return [self._job(event.name, job, job in expected, ended, seconds) for job in {*expected, *ended}]

    def _job(self, event: str, job: str, wanted: bool, ended: Mapping[str, str], seconds: float) -> Rule:
        must, is_so = "success" if wanted else "not run", ended.get(job, "not run")
        return self._said(f"{event}: {job}", must == is_so, f"{is_so}, must be {must}; the run took {seconds:.0f} s")

    def _as_by_hand(self, job: str) -> Rule:
        """Outcome and artifact say that the runner looked at the same thing and saw the same."""
        stage = BY_HAND[job]
        there = _verdict(self._kept("push") / f"reports-{job}" / stage)
        here = _verdict(self.place.folder / "reports" / stage)
        same = there == here != {}
        return self._said(f"push: {stage} as by hand", same, f"{there} in the run, {here} by hand")

    def _is_nobodys_candidate(self) -> Rule:
        kept = self._kept("pull_request")
        projects = {path.name for folder in kept.glob("registry-*") for path in folder.iterdir()}
        expected = {f"{load(self.place.folder / 'pipeline.toml', {}).project.name}-sample"}
        said = f"the registry of the run holds {', '.join(sorted(projects)) or 'nothing'}"
        return self._said("pull_request: on the sample", projects == expected, said)

    def _said(self, what: str, good: bool, reason: str) -> Rule:
        outcome = Outcome.PASS if good else Outcome.FAIL
        return Rule(name=f"act {what}", subject=self.place.name, outcome=outcome, reason=reason)


def _verdict(folder: Path) -> dict[str, str]:
    """Return the outcome and the artifact or rows that a verdict in a folder is about; empty where there is none."""
    try:
        said = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    about = {name: str(said["judged"][name])[:12] for name in ("artifact", "train") if name in said["judged"]}
    return {"outcome": str(said["outcome"])} | about
