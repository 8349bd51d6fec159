"""Operate environments: build a release, bring it in, judge it live, take it back. `invoke <task> --help` shows examples."""

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
from infra.commands.number import MINUTE, NOT_GIVEN
from infra.host.ending import interrupted_once
from infra.line.noting import noted

TEMPLATE = Path("template/copying.py")
"""It is in no copy: a copy is not copied again."""
ENV = {"env": "the environment to work on: staging or production"}
WAIT = {"wait": "seconds to wait for another command on the same environment"}
RELEASE = {"release": "version, name or digest; the one built last if not given"}
LAPTOP = {"from_laptop": "allow a change of a non-local environment from outside CI (recorded so)"}
UNJUDGED = {"unjudged": "let a release in without the verdicts the environment requires (recorded so)"}
LIFT = {
    "lift_quarantine": "let a release in that a rollback left, and take it out of quarantine once it serves (recorded so)",
    "release_quarantine": "the former name of --lift-quarantine",
}
CHANGE = ENV | WAIT | LAPTOP
BRING_IN = CHANGE | RELEASE | UNJUDGED | LIFT

hide_keys()
show_what_can_be_shown()  # here, because invoke prints the help of tasks without running one
task = partial(any_task, auto_shortflags=False)


def leave(call: Callable[[], int], stage: str = "", env: str = "", signs: bool = False) -> None:
    """Run one command and end with its exit code; a stage of the line leaves word of how it ended.

    A command that signs nothing forgets the key at once: neither it nor what it starts has a use for it.
    """
    if not signs:
        os.environ.pop(SIGNING_KEY, None)
    with interrupted_once(), noted(stage, env) as end:
        end.of(call)
    if end.code:
        raise Exit(code=end.code)


def offered(needs: Path, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a task where what it works on is there."""
    return task(**options) if needs.exists() else lambda body: body


def lifts(lift: bool, formerly: bool) -> bool:
    """Say whether a quarantine is to be lifted, under the option's name or the one that it had."""
    if formerly:
        tell("warning: --release-quarantine is called --lift-quarantine now; this name will go", error=True)
    return lift or formerly


@offered(
    TEMPLATE,
    help={
        "folder": "where the new project is made; it must not exist",
        "name": "what it is called; the folder's name if not given",
        "task": "classification or regression",
        "data": "a CSV or Parquet file with your rows",
        "target": "the column to predict",
        "time": "the column that says when a row happened, or 'none'; found out if not given",
        "positive": "the positive one of two classes; the rarer, or the one that says yes, if not given",
        "missing": "texts that stand for a missing value, with commas between; NA, NULL, ? and their like if not given",
        "encoding": "the data file's encoding, such as cp1251 or gb18030; guessed if it is not UTF-8 and not given",
        "defaults": "don't prompt; anything not given comes from the example",
        "dry_run": "print conversions, split, schema and settings; make nothing",
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
        "since": "the template's commit that this copy is nearest to, where the one that was noted is not there",
    }
)
def update(_: Context, to: str = "", template: str = "", since: str = "") -> None:
    """Merge into a copy what changed in the template since.

    Examples: invoke update · invoke update --to=v1.2.0 · invoke update --template=https://example.org/ours.git
    """
    leave(lambda: commands.update(to, template, since))


@task(help={"model": "alias, version or identity of the artifact", "push": "publish the release's digest"})
def build(_: Context, model: str = "candidate", push: bool = False) -> None:
    """Pack the candidate and the service into a release.

    Examples: invoke build --model=champion
    """
    leave(lambda: commands.build(model, push), "build")


@task(
    help={
        "release": "the whole digest (64 characters) of one that was built elsewhere; the one built here last if not given",
        "verdicts": "verdicts that were reached elsewhere, as 'stage=digest stage=digest'; then no others are signed",
        "new_key": "make a key pair instead: the private key at this path, the public one in keys/",
    }
)
def sign(_: Context, release: str = "", verdicts: str = "", new_key: str = "") -> None:
    """Sign the release that this machine built, and its verdicts.

    Examples: invoke sign --new-key=~/.keys/release · GATELINE_SIGNING_KEY=~/.keys/release invoke sign
    """
    stage = "" if new_key else "sign"
    leave(lambda: commands.new_key(new_key) if new_key else commands.sign(release, verdicts), stage, signs=True)


@task(help=RELEASE | {"env": "what runs in this environment, instead of a release by name"})
def verify(_: Context, release: str = "", env: str = "") -> None:
    """Check who signed a release, and that nothing changed since.

    Examples: invoke verify · invoke verify --env=production · invoke verify --release=20260102-abc1234
    """
    leave(lambda: commands.verify(release, env))


@task(help=CHANGE)
def up(_: Context, env: str = "", from_laptop: bool = False, wait: float = MINUTE) -> None:
    """Start an environment, or repair what is down in it.

    Examples: invoke up --env=staging
    """
    leave(lambda: commands.up(env, from_laptop, wait))


@task(help=CHANGE | {"remove": "forget what it ran, too, and leave nothing of it behind (recorded so)"})
def down(_: Context, env: str = "", remove: bool = False, from_laptop: bool = False, wait: float = MINUTE) -> None:
    """Stop an environment; `invoke up` brings back what it ran.

    Examples: invoke down --env=staging · invoke down --env=staging --remove
    """
    leave(lambda: commands.down(env, from_laptop, wait, remove))


@task(
    help={"env": "one environment; all if not given", "logs": "show the last lines of its logs", "json": "print JSON"}
)
def status(_: Context, env: str = "", logs: bool = False, json: bool = False) -> None:
    """Show what really runs where.

    Examples: invoke status --env=production --logs
    """
    leave(lambda: commands.status(env, logs, json))


@task(help=BRING_IN | {"skip_canary": "deploy although a champion runs (recorded so)"})
def deploy(
    _: Context,
    env: str = "",
    release: str = "",
    skip_canary: bool = False,
    unjudged: bool = False,
    lift_quarantine: bool = False,
    release_quarantine: bool = False,
    from_laptop: bool = False,
    wait: float = MINUTE,
) -> None:
    """Bring a release to all traffic, without losing a request.

    Examples: invoke deploy --env=staging · invoke deploy --env=production --skip-canary --release=20260102-abc1234
    """
    options = commands.DeployOptions(skip_canary, unjudged, lifts(lift_quarantine, release_quarantine), from_laptop)
    leave(lambda: commands.deploy(env, release, options, wait), "deploy", env)


@task(help=ENV)
def smoke(_: Context, env: str = "") -> None:
    """Ask what runs a few questions whose answers are known.

    Examples: invoke smoke --env=staging
    """
    leave(lambda: commands.smoke(env), "smoke", env)


@task(
    help=BRING_IN
    | {
        "resume": "go on with a held canary",
        "traffic": "real, or synthetic to drive load itself",
        "rate": "synthetic requests a second",
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
        "to": "an earlier release by version, name or digest; the one before if not given",
        "list": "list the releases that can be gone back to",
        "dry_run": "say what would happen",
        "reason": "why, for the audit log",
        "asked": "when it was asked for, e.g. 2026-01-02T10:30:00Z, where this command waited to be started",
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
    """Go back to the release before, and quarantine the one left.

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
        "trace": "go from a version, or from what runs, back to data and verdicts",
        "export": "write one readable file",
        "keep": "write the log's head to a file to keep elsewhere, signed where GATELINE_SIGNING_KEY is set",
        "against": "verify against a head that --keep wrote",
        "accept_cut": "go on with a log of which something is missing or changed, as it is (recorded, with --reason)",
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
        "open": "show it in the browser, where there is one",
        "output": "write a copy that needs nothing else into this folder, to publish",
    }
)
def report(_: Context, open: bool = False, output: str = "") -> None:
    """Write the pages: the line, what serves now, every release.

    Examples: invoke report --open · invoke report --output=../pages
    """
    leave(lambda: commands.report(open, output))
