"""The workflows are what the line is: each step one command that exists, and nothing that could be turned against it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from gateline.settings import load
from gateline.stages import REQUIRABLE
from tests.ci import rules
from tests.ci.commands import FrontDoors, front_doors
from tests.ci.rules import Workflow

pytestmark = pytest.mark.no_cover  # what judges the workflow is a test itself; traced, it takes three times as long
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
NAMES = ("drift.yml", "pipeline.yml", "rollback.yml")
Check = Callable[[Workflow, FrontDoors], list[str]]

SIGN = 'invoke sign --release="$RELEASE" --verdicts="$VERDICTS"'
READS = "    permissions:\n      contents: read\n"
STAGING = f"    timeout-minutes: 15\n{READS}"
KEY = "          GATELINE_AUDIT_KEY: ${{ secrets.GATELINE_AUDIT_KEY }}\n"
OUTPUT = "${{ needs.train.outputs.model }}"
BROKEN: list[tuple[Check, str, str]] = [
    (rules.commands, "run: nox -s train\n", "run: pip install x && nox -s train\n"),
    (rules.commands, "run: nox -s train\n", "run: python -m training\n"),
    (rules.commands, "run: nox -s train\n", "run: nox -s trane\n"),
    (rules.commands, "run: nox -s train\n", "run: |\n          nox -s train\n          nox -s validate_model\n"),
    (rules.commands, "run: invoke build\n", "run: invoke bild\n"),
    (rules.commands, "run: invoke build --push", "run: invoke build --publish"),
    (rules.commands, "run: nox -s train\n", "run: nox -s ${{ github.event.head_commit.message }}\n"),
    (rules.commands, "run: invoke smoke --env=staging", 'run: invoke smoke --env="$ENVIRONMENT"'),
    (rules.set_up_once, "      - uses: ./.github/actions/setup\n      - run: nox -s lint", "      - run: nox -s lint"),
    (rules.needs, "needs: train\n", "needs: training\n"),
    (rules.needs, "needs: [quality, data, train, integration, ", "needs: [quality, data, train, integrations, "),
    (rules.pinned, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "actions/checkout@v7"),
    (rules.pinned, " # v7.0.1", ""),
    (rules.pinned, "./.github/actions/keep", "./.github/actions/kept"),
    (rules.permissions, "permissions: {}\n", "permissions: write-all\n"),
    (rules.permissions, "permissions: {}\n", ""),
    (rules.permissions, "      contents: read\n", "      contents: write\n"),
    (rules.permissions, f"    timeout-minutes: 60\n{READS}", "    timeout-minutes: 60\n"),
    (rules.permissions, STAGING, f"{STAGING}      security-events: write\n"),
    (rules.credentials, "          persist-credentials: false\n", "          persist-credentials: true\n"),
    (rules.bounded, "    timeout-minutes: 60\n", ""),
    (rules.bounded, "concurrency:\n", "x-concurrency:\n"),
    (rules.permissions, "      packages: write", "      contents: write"),
    (rules.permissions, "      packages: read", "      packages: write"),
    (rules.commands, "nox -s integration -- ", "nox -s integratoin -- "),
    (rules.unblocked, "github.run_id || github.ref", "github.ref || github.ref"),
    (rules.unblocked, "      group: production\n      cancel-in-progress: false", "      group: production"),
    (rules.sealed, f"MODEL: {OUTPUT}\n{KEY}", f"MODEL: {OUTPUT}\n"),
    (rules.sealed, f'"80"\n{KEY}', '"80"\n'),
    (rules.sealed, f"'360' }}}}\n{KEY}", "'360' }}\n"),
    (rules.sealed, "      - run: invoke build\n        id: build\n", f"      - run: invoke build\n        env:\n{KEY}"),
    (rules.kept_back, "    environment: release\n", ""),
    (rules.kept_back, "      - run: nox -s validate_model\n", f"      - run: nox -s validate_model\n        env:\n{KEY}"),
    (rules.tells, "          GATELINE_NOTIFY_WEBHOOK: ", "          WEBHOOK: "),
    (rules.in_time, "timeout-minutes: 80\n", "timeout-minutes: 30\n"),
    (rules.in_time, "vars.CANARY_MINUTES || '360' }}", "vars.CANARY_MINUTES || '720' }}"),
    (rules.in_time, "          GATELINE_JOB_MINUTES: ", "          MINUTES: "),
    (rules.reaches, "      - uses: ./.github/actions/reach\n", "      - uses: ./.github/actions/setup\n"),
]  # fmt: skip


@pytest.fixture(scope="module")
def doors() -> FrontDoors:
    """The sessions and tasks that exist."""
    return front_doors(ROOT)


def read(name: str) -> Workflow:
    """Return a workflow of the project."""
    return Workflow((FOLDER / name).read_text(encoding="utf-8"), ROOT)


def test_every_workflow_is_checked() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: str(rule.__name__))
@pytest.mark.parametrize("name", NAMES)
def test_workflow_keeps_the_rules(name: str, rule: Check, doors: FrontDoors) -> None:
    assert rule(read(name), doors) == []


@pytest.mark.parametrize(("rule", "good", "bad"), BROKEN)
def test_a_broken_copy_is_seen(rule: Check, good: str, bad: str, doors: FrontDoors) -> None:
    text = read("pipeline.yml").text
    assert good in text, "the copy would not be broken"
    assert rule(Workflow(text.replace(good, bad), ROOT), doors) != []


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


def test_the_stages_run_in_the_jobs_that_are_named_after_them() -> None:
    pipeline = read("pipeline.yml")
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in pipeline.jobs.items()}
    assert runs == {
        "quality": ["nox -s lint typecheck test"],
        "macos": ["nox -s lint typecheck validate_data train validate_model"],
        "data": ["nox -s validate_data"],
        "train": ["nox -s train", "nox -s validate_model", "invoke build"],
        "integration": ['nox -s integration -- --release="$RELEASE"', 'nox -s benchmark -- --release="$RELEASE"'],
        "security": ['nox -s security -- --release="$RELEASE"'],
        "build": ['invoke build --push --model="$MODEL"', SIGN],
        "staging": ['invoke deploy --env=staging --release="$RELEASE"', "invoke smoke --env=staging"],
        "production": ['invoke canary --env=production --release="$RELEASE"'],
    }


def test_triggers() -> None:
    on = read("pipeline.yml").data[True]
    assert on == {"push": {"branches": ["main", "develop"]}, "pull_request": None, "workflow_dispatch": None}
    assert set(read("rollback.yml").data[True]) == {"workflow_dispatch"}


def test_build_and_what_follows_run_on_main_alone() -> None:
    pipeline = read("pipeline.yml")
    assert pipeline.jobs["build"]["if"] == "github.ref == 'refs/heads/main'"
    assert rules.needed(pipeline, "staging") == ["build"]
    assert rules.needed(pipeline, "production") == ["build", "staging"]
    assert not any("if" in pipeline.jobs[name] for name in ("staging", "production")), (
        "an `if` could undo a skipped need"
    )


def test_a_release_is_published_after_every_gate_said_yes() -> None:
    pipeline = read("pipeline.yml")
    before: set[str] = set()
    frontier = ["build"]
    while frontier:
        frontier = [each for name in frontier for each in rules.needed(pipeline, name)]
        before |= set(frontier)
    assert before == {"quality", "data", "train", "integration", "security"}


def test_environments_exist_in_the_settings() -> None:
    known = set(load(ROOT / "pipeline.toml").environments)
    pipeline, rollback = read("pipeline.yml"), read("rollback.yml")
    named = {job["environment"] for job in pipeline.jobs.values() if "environment" in job}
    assert named == {"release", "staging", "production"} and named - {"release"} <= known
    inputs = rollback.data[True]["workflow_dispatch"]["inputs"]
    assert set(inputs["environment"]["options"]) <= known
    for name in named - {"release"}:
        commands = [step["run"] for step in pipeline.jobs[name]["steps"] if "run" in step]
        assert all(f"--env={name}" in command for command in commands)


def test_drift_is_looked_at_every_night_tells_and_retrains_nothing() -> None:
    drift = read("drift.yml")
    assert set(drift.data[True]) == {"schedule", "workflow_dispatch"}
    steps = [step for _, step in drift.steps() if "run" in step]
    assert [step["run"] for step in steps] == ["invoke drift --env=production"]
    assert set(steps[0]["env"]) == {"GATELINE_NOTIFY_WEBHOOK"}


def test_pull_requests_without_secrets_run_on_the_sample() -> None:
    action = yaml.safe_load((ROOT / ".github/actions/setup/action.yml").read_text(encoding="utf-8"))
    (told,) = [step for step in action["runs"]["steps"] if "GATELINE_SAMPLE" in step.get("run", "")]
    for word in ("'pull_request'", "head.repo.full_name != github.repository", "user.login == 'dependabot[bot]'"):
        assert word in told["if"]


def test_train_hands_on_version_and_metrics() -> None:
    job = read("pipeline.yml").jobs["train"]
    ids = {step["run"]: step["id"] for step in job["steps"] if "id" in step}
    given = {
        "nox -s train": ("model-version", "metrics", "model"),
        "nox -s validate_model": ("validate-model",),
        "invoke build": ("release",),
    }
    assert job["outputs"] == {
        name: f"${{{{ steps.{ids[run]}.outputs.{name} }}}}" for run, names in given.items() for name in names
    }


def test_what_is_signed_is_what_the_jobs_of_this_run_passed_on() -> None:
    jobs = read("pipeline.yml").jobs
    (sign,) = [step for step in jobs["build"]["steps"] if step.get("run") == SIGN]
    assert sign["env"]["RELEASE"] == "${{ needs.train.outputs.release }}"
    told = dict(pair.split("=") for pair in re.sub(r"\$\{\{ (\S+) \}\}", r"\1", sign["env"]["VERDICTS"]).split())
    assert tuple(told) == REQUIRABLE
    for stage, where in told.items():
        _, job, _, output = where.split(".")
        _, step, _, name = jobs[job]["outputs"][output].strip("${ }").split(".")
        (run,) = [each["run"] for each in jobs[job]["steps"] if each.get("id") == step]
        assert run.split(" -- ")[0] == f"nox -s {stage}" and name == output == stage.replace("_", "-")
        assert job in jobs["build"]["needs"]


def test_rollback_takes_one_click_and_one_command() -> None:
    rollback = read("rollback.yml")
    inputs = rollback.data[True]["workflow_dispatch"]["inputs"]
    assert all("default" in each and not each.get("required") for each in inputs.values())
    steps = [step for _, step in rollback.steps() if "run" in step]
    assert [step["run"] for step in steps] == ['invoke rollback --env="$ENVIRONMENT" --to="$TO" --asked="$ASKED"']
    keys = {"GATELINE_AUDIT_KEY", "GATELINE_NOTIFY_WEBHOOK"}
    assert {name: value for name, value in steps[0]["env"].items() if name not in keys} == {
        "ENVIRONMENT": "${{ inputs.environment }}",
        "TO": "${{ inputs.to }}",
        "ASKED": "${{ steps.clicked.outputs.at }}",
    }


def test_each_job_takes_the_registry_from_the_jobs_it_needs() -> None:
    pipeline = read("pipeline.yml")
    for name, job in pipeline.jobs.items():
        setup = next(step for step in job["steps"] if step.get("uses") == rules.SETUP)
        handed = _expanded(setup.get("with", {}).get("registry", ""))
        assert handed <= set(rules.needed(pipeline, name)), name
        assert handed or not rules.needed(pipeline, name), name
        assert job["steps"][-1] == {"uses": "./.github/actions/keep", "if": "always()"}, name


def _expanded(pattern: str) -> set[str]:
    """`registry-a` and `registry-{a,b}` as the jobs they come from."""
    names = pattern.removeprefix("registry-").strip("{}")
    return {each for each in names.split(",") if each}


@pytest.mark.parametrize("name", ["setup", "keep", "reach"])
def test_local_actions_pin_what_they_use_and_run_only_the_install(name: str) -> None:
    text = (ROOT / ".github" / "actions" / name / "action.yml").read_text(encoding="utf-8")
    action: dict[str, Any] = yaml.safe_load(text)
    steps = action["runs"]["steps"]
    assert rules.unpinned(ROOT, text, steps) == []
    runs = [step["run"] for step in steps if "run" in step]
    install = "uv pip install --require-hashes --requirement requirements/dev.txt"
    if name == "reach":
        assert ["ssh-add" in run for run in runs] == [True, False] and "umask 077" in runs[1]
        return
    assert runs == (['echo "GATELINE_SAMPLE=true" >> "$GITHUB_ENV"', install] if name == "setup" else [])


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="no ssh client is installed here")
def test_a_key_reaches_an_agent_and_known_hosts_are_added_once(tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / ".github/actions/reach/action.yml").read_text(encoding="utf-8"))
    step = next(step for step in action["runs"]["steps"] if "ssh-add" in step.get("run", ""))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    key, hosts = (tmp_path / "key").read_text(encoding="utf-8"), "a.example ssh-ed25519 AAAA\nb.example ssh-ed25519 BBBB"
    socket = tempfile.mkdtemp(prefix="gl-", dir="/tmp")
    given = {"HOME": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env"), "KNOWN_HOSTS": hosts}
    given["SSH_KEY"] = key.replace("\n", "\r\n")
    script = step["run"].replace("${{ runner.temp }}", socket) + f"\nSSH_AUTH_SOCK={socket}/ssh-agent ssh-add -l\n"
    try:
        for _ in range(2):
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                env={**os.environ, **given}, capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
            assert done.returncode == 0 and "ED25519" in done.stdout, done.stderr
    finally:
        for agent in psutil.process_iter(["cmdline"]):
            if f"{socket}/ssh-agent" in (agent.info["cmdline"] or []):
                agent.kill()
        shutil.rmtree(socket)
    assert (tmp_path / "env").read_text(encoding="utf-8") == f"SSH_AUTH_SOCK={socket}/ssh-agent\n" * 2
    assert (tmp_path / ".ssh/known_hosts").read_text(encoding="utf-8") == hosts + "\n"
    assert sorted(path.name for path in (tmp_path / ".ssh").iterdir()) == ["known_hosts"], "the key is on no disk"


def test_a_kubeconfig_reaches_a_file_of_the_job_alone(tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / ".github/actions/reach/action.yml").read_text(encoding="utf-8"))
    step = next(step for step in action["runs"]["steps"] if "KUBECONFIG" in step.get("run", ""))
    script = step["run"].replace("${{ runner.temp }}", str(tmp_path))
    given = {"CONTENT": "apiVersion: v1\nusers: [{name: '$x'}]", "GITHUB_ENV": str(tmp_path / "env")}
    subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], env={**os.environ, **given}, check=True)
    written = tmp_path / "kubeconfig"
    assert written.read_text(encoding="utf-8") == given["CONTENT"] + "\n" and written.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "env").read_text(encoding="utf-8") == f"KUBECONFIG={written}\n"
