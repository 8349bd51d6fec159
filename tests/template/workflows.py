"""The workflow of a copy, run on this host: pushes to main, with a registry that ends with the run and with one that stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gateline.contracts.verdict import Outcome, Rule
from gateline.settings import load
from infra.host.ports import free_ports
from infra.host.python_env import python_for
from tests.servers import s3_server
from tests.template import edits
from tests.template.command import Command, Place
from tests.template.runner import Event, Runner

PUSH = Event("push", {"ref": "refs/heads/main"})
OWN = {"RUNNER_ENVIRONMENT": "self-hosted"}
HOSTED = {"RUNNER_ENVIRONMENT": "github-hosted"}
GATES = ("quality", "data", "train", "integration", "security")
DEPLOYING = ("build", "staging", "production")
THEIRS = {"ref": "theirs", "repo": {"full_name": "stranger/copy"}}
STRANGER = {"head": THEIRS, "base": {"ref": "main"}, "user": {"login": "stranger"}}
FORK = Event("pull_request", {"number": 1, "pull_request": STRANGER})
SECRETS = {"GATELINE_AUDIT_KEY": "2c26b46b68ffc68ff99b453c1d304134"}  # pragma: allowlist secret
BY_HAND = {"data": "validate_data", "train": "validate_model", "integration": "integration", "security": "security"}
"""Jobs, and a stage of theirs whose verdict must be the one that the same command gives by hand."""


@dataclass(frozen=True)
class Workflows:
    """The runs in one copy, in which `nox -s pipeline` was run by hand before."""

    place: Place
    root: Path
    tell: Callable[[str], None]

    def rules(self) -> list[Rule]:
        """Return a rule for every job of every run, and for what the runs left."""
        found = self._run("push", PUSH, (*GATES, *DEPLOYING), HOSTED)
        found += [self._as_by_hand(job) for job in BY_HAND]
        found += [*self._run("pull request", FORK, GATES, HOSTED), self._is_nobodys_candidate()]
        with s3_server(self.place.log.parent) as server:
            there = {"GATELINE_REGISTRY_URL": server.bucket("models")} | server.environment
            found += self._run("first push, S3", PUSH, (*GATES, *DEPLOYING), OWN | there)
            edits.seed(3)(self.place.folder)
            found += self._run("second push, S3", PUSH, (*GATES, *DEPLOYING), HOSTED | there)
            found.append(self._is_sealed(there))
        return [
            *found,
            self._meets_the_champion("first push, S3", False),
            self._meets_the_champion("second push, S3", True),
        ]

    def _kept(self, run: str) -> Path:
        return self.place.log.parent / f"{self.place.name}, {run}" / "kept"

    def _run(self, run: str, event: Event, expected: tuple[str, ...], environ: Mapping[str, str]) -> list[Rule]:
        """The environments of the copy stand on this host already: those of the run listen elsewhere."""
        staging, production = free_ports(2, ())
        ports = {"GATELINE_PORT_STAGING": str(staging), "GATELINE_PORT_PRODUCTION": str(production)}
        act = python_for(self.root / "requirements/act.txt", self.root).parent / "act"
        runner = Runner(act, self.place.programs, self.place.folder, self._kept(run))
        begun = time.monotonic()
        ended = runner.run("pipeline.yml", event, dict(environ) | ports, partial(self._tell, run, begun), SECRETS)
        seconds = time.monotonic() - begun
        return [self._job(run, job, job in expected, ended, seconds) for job in sorted({*expected, *ended})]

    def _tell(self, run: str, begun: float, job: str, result: str) -> None:
        self.tell(f"{result:<8} {time.monotonic() - begun:6.1f} s  {run}: {job}")

    def _job(self, run: str, job: str, wanted: bool, ended: Mapping[str, str], seconds: float) -> Rule:
        must, is_so = "success" if wanted else "not run", ended.get(job, "not run")
        return self._said(f"{run}: {job}", must == is_so, f"{is_so}, must be {must}; the run took {seconds:.0f} s")

    def _as_by_hand(self, job: str) -> Rule:
        """Outcome and artifact say that the runner looked at the same thing and saw the same."""
        stage = BY_HAND[job]
        there = _verdict(self._kept("push") / f"reports-{job}" / stage)
        here = _verdict(self.place.folder / "reports" / stage)
        same = there == here != {}
        return self._said(f"push: {stage} as by hand", same, f"{there} in the run, {here} by hand")

    def _is_nobodys_candidate(self) -> Rule:
        kept = self._kept("pull request")
        projects = {path.name for folder in kept.glob("registry-*") for path in folder.iterdir()}
        expected = {f"{load(self.place.folder / 'pipeline.toml', {}).project.name}-sample"}
        said = f"the registry of the run holds {', '.join(sorted(projects)) or 'nothing'}"
        return self._said("pull request: on the sample", projects == expected, said)

    def _meets_the_champion(self, run: str, must: bool) -> Rule:
        """The gate compares with the champion of the run before, and a hosted runner rehearses the canary against it."""
        judged = _read(self._kept(run) / "reports-train/validate_model").get("judged", {})
        canary = _read(self._kept(run) / "reports-production/canary")
        met = judged.get("champion", "none") != "none" and canary.get("rehearsal") is True
        said = f"champion {str(judged.get('champion'))[:12]}, canary {canary.get('outcome', 'none')}"
        return self._said(f"{run}: the champion of the run before", met == must, said)

    def _is_sealed(self, there: Mapping[str, str]) -> Rule:
        """Two pushes wrote one log, each command with the key or without as the workflow gives it: with the key it holds."""
        asked = Command("invoke audit", 0, "verified: ", environ={**there, **SECRETS})
        reads_s3 = python_for(self.place.folder / "requirements/dev.txt", self.place.folder).parent
        ran = replace(self.place, programs=reads_s3).run(asked)
        return self._said("second push, S3: the log holds", not ran.problem, ran.problem or "verified with the key")

    def _said(self, what: str, good: bool, reason: str) -> Rule:
        outcome = Outcome.PASS if good else Outcome.FAIL
        return Rule(name=f"act {what}", subject=self.place.name, outcome=outcome, reason=reason)


def _verdict(folder: Path) -> dict[str, str]:
    """Return the outcome and the artifact or rows that a verdict in a folder is about; empty where there is none."""
    said = _read(folder)
    if not said:
        return {}
    about = {name: str(said["judged"][name])[:12] for name in ("artifact", "train") if name in said["judged"]}
    return {"outcome": str(said["outcome"])} | about


def _read(folder: Path) -> dict[str, Any]:
    """Return the verdict in a folder of reports; empty where there is none."""
    try:
        said: dict[str, Any] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return said
