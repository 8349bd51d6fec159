"""Operate environments: build a release, deploy it, judge it live, roll it back. `invoke <task> --help` shows examples."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task as any_task

from gateline.settings.front_door import show_what_can_be_shown
from gateline.settings.passing import SIGNING_KEY, hide_keys
from gateline.settings.shown import tell
from infra import commands
from infra.commands.changing import MINUTE, NOT_GIVEN
from infra.host.processes import interrupted_once
from infra.line.run_records import noted

TEMPLATE = Path("template/copying.py")
"""Only the template has it: a copy is not copied again."""
ENV = {"env": "the environment to work on: staging or production"}
WAIT = {"wait": "seconds to wait for another command on the same environment"}
RELEASE = {"release": "version, name or digest; the one built last if not given"}
LAPTOP = {"from_laptop": "allow changing a non-local environment from outside CI (this is recorded)"}
UNJUDGED = {"unjudged": "let a release in without the verdicts the environment requires (this is recorded)"}
LIFT = {
    "lift_quarantine": "let in a release that a rollback left, and end its quarantine once it serves (this is recorded)",
    "release_quarantine": "the former name of --lift-quarantine",
}
CHANGE = ENV | WAIT | LAPTOP
BRING_IN = CHANGE | RELEASE | UNJUDGED | LIFT

hide_keys()
show_what_can_be_shown()  # here, because invoke prints the help of tasks without running one
task = partial(any_task, auto_shortflags=False)


def leave(call: Callable[[], int], stage: str = "", env: str = "", signs: bool = False) -> None:
    """Run one command and end with its exit code; for a stage of the pipeline, record how it ended.

    A command that signs nothing drops the key at once: neither it nor what it starts needs it.
    """
    if not signs:
        os.environ.pop(SIGNING_KEY, None)
    with interrupted_once(), noted(stage, env) as end:
        end.of(call)
    if end.code:
        raise Exit(code=end.code)


def offered(needs: Path, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """Make this a task only if the file that it works on exists."""
    return task(**options) if needs.exists() else lambda body: body


def lifts(lift: bool, formerly: bool) -> bool:
    """Say whether to lift a quarantine, by the option's present or former name."""
    if formerly:
        tell("warning: --release-quarantine is called --lift-quarantine now; this name will go", error=True)
    return lift or formerly


@offered(
    TEMPLATE,
    help={
        "folder": "where to make the new project; it must not exist yet",
        "name": "the project's name; the folder's name if not given",
        "task": "classification or regression",
        "data": "a CSV or Parquet file with your rows",
        "target": "the column to predict",
        "time": "the column that says when a row happened, or 'none'; detected if not given",
        "positive": "the positive one of two classes; the rarer one, or the one that means yes, if not given",
        "missing": "texts that stand for a missing value, separated by commas; NA, NULL, ? and similar if not given",
        "encoding": "the data file's encoding, such as cp1251 or gb18030; if not given, UTF-8 or a guess",
        "defaults": "don't prompt; anything not given comes from the example",
        "dry_run": "print conversions, split, schema and settings, and create nothing",
    }
)
def new(
    _: Context,
    folder: str,
    name: str = "",
    task: str = "",
    data: str = "",
    target: str = "",
    time: str = "",
    positive: str = "",
    missing: str | None = None,
    encoding: str = "",
    defaults: bool = False,
    dry_run: bool = False,
) -> None:
    """Copy this template into a new project.

    Examples: invoke new ../my-project · invoke new ../churn --data=churn.csv --target=left --defaults · … --dry-run ·
    … --time=joined --positive=fraud --missing="NULL,?" · … --time=none · … --task=regression
    """
    copying = importlib.import_module("template.copying")
    wanted = copying.Wanted(name, task, data, target, time, positive, missing, encoding)
    leave(lambda: int(copying.new(folder, wanted, defaults, dry_run)))


@task(
    help={
        "to": "branch, tag or commit of the template; its newest commit if not given",
        "template": "where the template is now, if it moved",
        "since": "the template's commit nearest to this copy, if the recorded one no longer exists",
    }
)
def update(_: Context, to: str = "", template: str = "", since: str = "") -> None:
    """Merge the template's changes into a copy.

    Examples: invoke update · invoke update --to=v1.2.0 · invoke update --template=https://example.org/ours.git
    """
    leave(lambda: commands.update(to, template, since))


@task(
    help={
        "model": "alias, version or identity of the artifact",
        "push": "publish the release's digest",
        "manifests": "write what a Kubernetes cluster would run of it, as kustomize folders, to this folder",
    }
)
def build(_: Context, model: str = "candidate", push: bool = False, manifests: str = "") -> None:
    """Build a release from the candidate and the service.

    Examples: invoke build --model=champion · invoke build --push --manifests=cluster
    """
    leave(lambda: commands.build(model, push, manifests), "build")


@task(
    help={
        "release": "the full digest (64 characters) of a release built elsewhere; the one last built here if not given",
        "verdicts": "verdicts reached elsewhere, as 'stage=digest stage=digest'; no others are signed then",
        "new_key": "make a key pair instead: the private key at this path, the public key in keys/",
    }
)
def sign(_: Context, release: str = "", verdicts: str = "", new_key: str = "") -> None:
    """Sign the release that this machine built, and its verdicts.

    Examples: invoke sign --new-key=~/.keys/release · GATELINE_SIGNING_KEY=~/.keys/release invoke sign
    """
    stage = "" if new_key else "sign"
    leave(lambda: commands.new_key(new_key) if new_key else commands.sign(release, verdicts), stage, signs=True)


@task(help=RELEASE | {"env": "check what runs in this environment, instead of a release by name"})
def verify(_: Context, release: str = "", env: str = "") -> None:
    """Check who signed a release, and that nothing changed since.

    Examples: invoke verify · invoke verify --env=production · invoke verify --release=20260102-abc1234
    """
    leave(lambda: commands.verify(release, env))


@task(help=CHANGE)
def up(_: Context, env: str = "", from_laptop: bool = False, wait: float = MINUTE) -> None:
    """Start an environment, or repair what is down.

    Examples: invoke up --env=staging
    """
    leave(lambda: commands.up(env, from_laptop, wait))


@task(help=CHANGE | {"remove": "also remove everything it kept, including what it ran (this is recorded)"})
def down(_: Context, env: str = "", remove: bool = False, from_laptop: bool = False, wait: float = MINUTE) -> None:
    """Stop an environment; `invoke up` brings back what it ran.

    Examples: invoke down --env=staging · invoke down --env=staging --remove
    """
    leave(lambda: commands.down(env, from_laptop, wait, remove))


@task(
    help={"env": "one environment; all if not given", "logs": "show the last lines of its logs", "json": "print JSON"}
)
def status(_: Context, env: str = "", logs: bool = False, json: bool = False) -> None:
    """Show what is really running where.

    Examples: invoke status --env=production --logs
    """
    leave(lambda: commands.status(env, logs, json))


@task(
    help=BRING_IN
    | {
        "skip_canary": "deploy although a champion runs (this is recorded)",
        "dry_run": "say what would happen; on a cluster, with the diff of its objects",
    }
)
def deploy(
    _: Context,
    env: str = "",
    release: str = "",
    skip_canary: bool = False,
    dry_run: bool = False,
    unjudged: bool = False,
    lift_quarantine: bool = False,
    release_quarantine: bool = False,
    from_laptop: bool = False,
    wait: float = MINUTE,
) -> None:
    """Give a release all traffic, without losing a request.

    Examples: invoke deploy --env=staging · … --dry-run · … --skip-canary --release=20260102-abc1234
    """
    options = commands.DeployOptions(skip_canary, unjudged, lifts(lift_quarantine, release_quarantine), from_laptop)
    if dry_run:
        leave(lambda: commands.deploy_plan(env, release))
    else:
        leave(lambda: commands.deploy(env, release, options, wait), "deploy", env)


@task(help=ENV)
def smoke(_: Context, env: str = "") -> None:
    """Send requests whose answers are known to what is running.

    Examples: invoke smoke --env=staging
    """
    leave(lambda: commands.smoke(env), "smoke", env)


@task(
    help=BRING_IN
    | {
        "resume": "continue with a held canary",
        "traffic": "real, or synthetic to send its own requests",
        "rate": "synthetic requests per second",
        "seconds": "decide within this time, or hold",
    }
)
def canary(
    _: Context,
    env: str = "",
    release: str = "",
    resume: bool = False,
    traffic: str = "real",
    rate: float = NOT_GIVEN,
    seconds: float = NOT_GIVEN,
    unjudged: bool = False,
    lift_quarantine: bool = False,
    release_quarantine: bool = False,
    from_laptop: bool = False,
    wait: float = MINUTE,
) -> None:
    """Give a release a tenth of traffic; promote, roll back or hold it.

    Examples: invoke canary --env=production · invoke canary --env=production --traffic=synthetic · … --resume
    """
    lift = lifts(lift_quarantine, release_quarantine)
    options = commands.CanaryOptions(resume, traffic, rate, seconds, unjudged, lift, from_laptop)
    leave(lambda: commands.canary(env, release, options, wait), "canary", env)


@task(help=CHANGE)
def promote(_: Context, env: str = "", from_laptop: bool = False, wait: float = MINUTE) -> None:
    """Finish a held canary: give it all traffic.

    Examples: invoke promote --env=production
    """
    leave(lambda: commands.promote(env, from_laptop, wait), "promote", env)


@task(
    help=CHANGE
    | {
        "to": "an earlier release by version, name or digest; the previous one if not given",
        "list": "list the releases it can go back to",
        "dry_run": "say what would happen",
        "reason": "why, for the audit log",
        "asked": "when it was asked for, such as 2026-01-02T10:30:00Z, if this command had to wait to be started",
    }
)
def rollback(
    _: Context,
    env: str = "",
    to: str = "",
    list: bool = False,
    dry_run: bool = False,
    reason: str = "by hand",
    asked: str = "",
    from_laptop: bool = False,
    wait: float = MINUTE,
) -> None:
    """Go back to the previous release, and quarantine the one it leaves.

    Examples: invoke rollback --env=production · … --list · … --dry-run · … --to=20260102-abc1234
    """
    if list:
        leave(lambda: commands.rollback_list(env))
    elif dry_run:
        leave(lambda: commands.rollback_plan(env, to))
    else:
        leave(lambda: commands.rollback(env, to, reason, from_laptop, wait, asked), "rollback", env)


@task(help=ENV)
def drift(_: Context, env: str = "production") -> None:
    """Judge live inputs and predictions against the reference.

    Examples: invoke drift --env=production
    """
    leave(lambda: commands.drift(env), "drift", env)


@task(
    help={
        "env": "one environment; all if not given",
        "once": "print the page and end",
        "output": "write a scrape configuration, rules and a Grafana dashboard to this folder, and end",
    }
)
def monitor(_: Context, env: str = "", once: bool = False, output: str = "") -> None:
    """Show Prometheus what every environment is and counts.

    Examples: invoke monitor · invoke monitor --env=production --once · invoke monitor --output=monitoring
    """
    leave(lambda: commands.monitor(env, once, output))


@task(
    help={
        "trace": "go from a version, or from what runs, back to data and verdicts",
        "export": "write one readable file",
        "keep": "write the log's head to a file to keep elsewhere; signed if GATELINE_SIGNING_KEY is set",
        "against": "verify against a head that --keep wrote",
        "accept_cut": "continue with a log in which something is missing or changed (this is recorded, with --reason)",
        "reason": "why it is accepted, for the audit log",
    }
)
def audit(
    _: Context,
    trace: str = "",
    export: str = "",
    keep: str = "",
    against: str = "",
    accept_cut: bool = False,
    reason: str = "",
) -> None:
    """Print and verify who did what, when, with which verdicts.

    Examples: invoke audit --trace=production · … --export=audit.json · … --keep=head.json · … --against=head.json
    """
    leave(lambda: commands.audit(trace, export, against, keep, accept_cut, reason), signs=bool(keep))


@task(
    help={
        "open": "show it in the browser, if there is one",
        "output": "write a self-contained copy to this folder, to publish",
    }
)
def report(_: Context, open: bool = False, output: str = "") -> None:
    """Write the pages: the pipeline, what serves now, every release.

    Examples: invoke report --open · invoke report --output=../pages
    """
    leave(lambda: commands.report(open, output))
