"""What a workflow of this project must be: one function a rule, each returning what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ci.commands import FrontDoors, problems_of

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
COMMENTED = re.compile(r"uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SETUP = "./.github/actions/setup"
ALLOWED = {"contents": "read", "actions": "read", "security-events": "write"}
WRITERS = {"security"}
"""The only jobs that may write, and only code scanning results."""


@dataclass(frozen=True)
class Workflow:
    """One workflow file, as text and as data."""

    text: str
    root: Path

    @property
    def data(self) -> dict[Any, Any]:
        """The parsed file; YAML 1.1 reads the key `on` as true."""
        loaded: dict[Any, Any] = yaml.safe_load(self.text)
        return loaded

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs by name."""
        found: dict[str, dict[str, Any]] = self.data["jobs"]
        return found

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every step with its job's name."""
        return ((name, step) for name, job in self.jobs.items() for step in job["steps"])


def commands(workflow: Workflow, doors: FrontDoors) -> list[str]:
    """Every `run:` is one nox or invoke command that exists."""
    return [
        f"{job}: {problem}"
        for job, step in workflow.steps()
        if "run" in step
        for problem in problems_of(step["run"], doors, frozenset(step.get("env", {})))
    ]


def set_up_once(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Each job checks out, sets up in one step, and then runs commands."""
    wrong = []
    for name, job in workflow.jobs.items():
        uses = [str(step.get("uses", "")).partition("@")[0] for step in job["steps"]]
        if uses[:2] != ["actions/checkout", SETUP] or uses.count(SETUP) != 1:
            wrong.append(f"{name}: begins with {uses[:2]}, not with checkout and one {SETUP}")
    return wrong


def needs(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Every needed job is there."""
    return [
        f"{name}: needs {each}"
        for name in workflow.jobs
        for each in needed(workflow, name)
        if each not in workflow.jobs
    ]


def pinned(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Every action is pinned to a commit, with its version beside it, or lies in the tree."""
    return unpinned(workflow.root, workflow.text, [step for _, step in workflow.steps()])


def unpinned(root: Path, text: str, steps: list[dict[str, Any]]) -> list[str]:
    """Return the uses of a workflow or of a local action that are not pinned."""
    wrong = []
    for uses in (str(step["uses"]) for step in steps if "uses" in step):
        if uses.startswith("./"):
            wrong += [] if (root / uses / "action.yml").is_file() else [f"no {uses}/action.yml"]
        elif not PINNED.fullmatch(uses):
            wrong.append(f"{uses} is not pinned to a commit")
    lines = [line.strip() for line in text.splitlines() if "uses: " in line and "@" in line]
    return wrong + [f"no version beside: {line}" for line in lines if not COMMENTED.search(line)]


def permissions(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Nothing is allowed at the top, each job says what it needs, and only `security` writes."""
    wrong = [] if workflow.data.get("permissions") == {} else ["the workflow itself has permissions"]
    for name, job in workflow.jobs.items():
        granted = job.get("permissions")
        if not isinstance(granted, dict):
            wrong.append(f"{name}: says no permissions of its own")
            continue
        wrong += [f"{name}: {key}: {level}" for key, level in granted.items() if ALLOWED.get(key) != level]
        wrong += [f"{name}: writes" for level in granted.values() if level == "write" and name not in WRITERS]
    return wrong


def credentials(workflow: Workflow, _: FrontDoors) -> list[str]:
    """No checkout leaves the token in the tree."""
    checkouts = [
        (job, step) for job, step in workflow.steps() if str(step.get("uses", "")).startswith("actions/checkout@")
    ]
    return [
        f"{job}: keeps credentials"
        for job, step in checkouts
        if step.get("with", {}).get("persist-credentials") is not False
    ]


def bounded(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Every job ends by itself, and runs of one branch do not pile up."""
    wrong = [f"{name}: no timeout-minutes" for name, job in workflow.jobs.items() if "timeout-minutes" not in job]
    return wrong + ([] if "concurrency" in workflow.data else ["no concurrency"])


def needed(workflow: Workflow, job: str) -> list[str]:
    """Return the jobs that a job needs, as a list."""
    listed = workflow.jobs[job].get("needs", [])
    return [listed] if isinstance(listed, str) else list(listed)


RULES: tuple[Callable[[Workflow, FrontDoors], list[str]], ...] = (
    commands,
    set_up_once,
    needs,
    pinned,
    permissions,
    credentials,
    bounded,
)
