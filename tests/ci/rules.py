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
REACH = "./.github/actions/reach"
ALLOWED = {"contents": {"read"}, "actions": {"read"}, "security-events": {"write"}, "packages": {"read", "write"}}
WRITERS = {"security": "security-events", "build": "packages"}
"""The only jobs that may write, and what: code scanning results, and the image."""
READ_ONLY = {"audit", "drift", "new", "report", "smoke", "status", "update", "verify"}
"""The tasks that write no event of the audit log."""
TELLING = {"canary", "deploy", "drift", "rollback"}
"""The tasks that tell somebody how they ended."""
LASTING = {"canary", "deploy"}
"""The tasks that watch for as long as the settings say, and refuse to be cut off."""
REPOSITORYS = {"CODECOV_TOKEN"}
"""The only secret that is no environment's: it reads and lets in nothing."""
SECRET = re.compile(r"secrets\.(\w+)")


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
        wrong += [f"{name}: {key}: {level}" for key, level in granted.items() if level not in ALLOWED.get(key, ())]
        wrong += [f"{name}: writes {key}" for key, level in granted.items() if level == "write" and key != WRITERS.get(name)]
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


def unblocked(workflow: Workflow, _: FrontDoors) -> list[str]:
    """A run that waits for a reviewer holds up no other: of the jobs with an environment, each has a group of its own."""
    if "push" not in workflow.data[True]:
        return []
    shared = "github.run_id" not in workflow.data["concurrency"]["group"]
    wrong = ["the runs of main wait for each other"] if shared else []
    for name, job in workflow.jobs.items():
        if any("--env=" in step.get("run", "") for step in job["steps"]):
            own = job.get("concurrency", {})
            wrong += [] if own.get("cancel-in-progress") is False else [f"{name}: may change its environment twice at once"]
    return wrong


def sealed(workflow: Workflow, doors: FrontDoors) -> list[str]:
    """Every command that writes an event has the audit log's key, but for a build where no key may be: one not published."""
    missing = []
    for job, step in workflow.steps():
        command = step.get("run", "")
        writes = _task(command) in set(doors.tasks) - READ_ONLY and (_task(command) != "build" or "--push" in command)
        if writes is not ("GATELINE_AUDIT_KEY" in step.get("env", {})):
            missing.append(f"{job}: {command} {'lacks' if writes else 'has no use for'} GATELINE_AUDIT_KEY")
    return missing


def kept_back(workflow: Workflow, _: FrontDoors) -> list[str]:
    """A secret is an environment's, which gives it to main alone; and no step that runs the model's code has one."""
    wrong = []
    for job, step in workflow.steps():
        secrets = set(SECRET.findall(str(step))) - REPOSITORYS
        if secrets and "environment" not in workflow.jobs[job]:
            wrong.append(f"{job}: reads {', '.join(sorted(secrets))} without an environment that it is bound to")
        if secrets and step.get("run", "").startswith("nox"):
            wrong.append(f"{job}: {step['run']} runs the model's code, and has {', '.join(sorted(secrets))}")
    return wrong


def tells(workflow: Workflow, _: FrontDoors) -> list[str]:
    """Who is to be told is known to every command that tells."""
    return [
        f"{job}: {step['run']} tells nobody"
        for job, step in workflow.steps()
        if _task(step.get("run", "")) in TELLING and "GATELINE_NOTIFY_WEBHOOK" not in step.get("env", {})
    ]


def in_time(workflow: Workflow, _: FrontDoors) -> list[str]:
    """A command that watches knows when its job ends."""
    wrong = []
    for job, step in workflow.steps():
        if _task(step.get("run", "")) in LASTING:
            limit, told = str(workflow.jobs[job]["timeout-minutes"]), step.get("env", {}).get("GATELINE_JOB_MINUTES", "")
            if limit.replace("fromJSON(", "").replace("')", "'") != told:
                wrong.append(f"{job}: ends after {limit} minutes, and tells its command {told or 'nothing'}")
    return wrong


def reaches(workflow: Workflow, _: FrontDoors) -> list[str]:
    """A job that works on an environment, or builds for one, can reach its daemon."""
    wrong = []
    for name, job in workflow.jobs.items():
        works = any("--env=" in step.get("run", "") or "--push" in step.get("run", "") for step in job["steps"])
        if works is not any(step.get("uses") == REACH for step in job["steps"]):
            wrong.append(f"{name}: {'lacks' if works else 'has no use for'} {REACH}")
    return wrong


def _task(command: str) -> str:
    words = command.split()
    return words[1] if words[:1] == ["invoke"] and len(words) > 1 else ""


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
    unblocked,
    sealed,
    kept_back,
    tells,
    in_time,
    reaches,
)
