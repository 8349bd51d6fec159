"""`invoke up`, `down`, `status`, `smoke`."""

import json as jsons
from typing import Any

from rich.table import Table

from gateline.contracts.event import FINISHED
from gateline.contracts.slots import Slot
from gateline.settings import load
from gateline.settings.errors import ExitCode, OutsideError
from gateline.settings.shown import tell
from infra.engines.contract import Running
from infra.rollout.admission import fix, keep
from infra.rollout.attention import attention
from infra.rollout.recovery import recover
from infra.rollout.smoke import Expected, judge_replicas
from infra.rollout.target import Target

LOG_LINES = 20


def up(env: str, from_laptop: bool, wait: float) -> int:
    """Start or repair, wait until stable serves, and say what runs."""
    target = Target.open(env)
    target.refuse_from_laptop(from_laptop)
    with target.exclusively("invoke up", wait):
        before = target.engine.status()
        if before.slots:
            keep(target, before)
            fix(target, before)
        if recover(target).running.release_in(Slot.STABLE):
            _wait_for_stable(target)
        target.recorder.record(FINISHED, "", {"change": "up", "outcome": "done", "from_laptop": from_laptop})
    running = target.engine.status()
    if not running.slots:
        target.say(f"the proxy listens at {running.url}; no release is deployed yet. next: invoke deploy --env={env}")
    else:
        _print(target, running)
    return 0


def _wait_for_stable(target: Target) -> None:
    """Return when stable is ready. It was before: a replica that ends now hung till then, and is waited for once more."""
    try:
        target.engine.wait_ready(Slot.STABLE, target.environment.ready_seconds)
    except OutsideError:
        target.engine.wait_ready(Slot.STABLE, target.environment.ready_seconds)


def down(env: str, from_laptop: bool, wait: float, remove: bool = False) -> int:
    """Stop everything of one environment; with `remove`, forget what it ran as well."""
    target = Target.open(env)
    target.refuse_from_laptop(from_laptop)
    with target.exclusively("invoke down", wait):
        target.engine.remove() if remove else target.engine.down()
        facts = {"change": "down", "outcome": "done", "from_laptop": from_laptop} | (
            {"removed": True} if remove else {}
        )
        target.recorder.record(FINISHED, "", facts)
    if remove:
        target.say(f"stopped and removed. next: invoke deploy --env={env} starts it again")
    else:
        target.say(f"stopped. `invoke up --env={env}` brings it back as it was")
    return 0


def status(env: str, logs: bool, json: bool) -> int:
    """Say what really runs, read from the engines."""
    names = [env] if env else list(load().environments)
    targets = [Target.open(name) for name in names]
    if json:
        found = {target.name: _asked(target) for target in targets}
        tell(*jsons.dumps(found, indent=2).splitlines())
        return int(ExitCode.OUTSIDE) if any("unreachable" in each for each in found.values()) else 0
    dead = [target for target in targets if not _told(target, logs)]
    return int(ExitCode.OUTSIDE) if dead else 0


def _asked(target: Target) -> dict[str, Any]:
    """Return what one environment is; one that cannot be reached says so, and must not hide the others."""
    try:
        return _as_dict(target, target.engine.status())
    except OutsideError as error:
        return {"unreachable": error.message, "next_step": error.next_step}


def _told(target: Target, logs: bool) -> bool:
    """Print one environment; one that cannot be reached must not hide the others."""
    try:
        running = target.engine.status()
        _print(target, running)
        if logs:
            _print_logs(target, running)
    except OutsideError as error:
        target.say("cannot be reached", "red", f": {error.message}; next: {error.next_step}")
        return False
    return True


def smoke(env: str) -> int:
    """Judge every replica of stable."""
    from gateline.report import write

    target = Target.open(env)
    stable = target.engine.status().slots.get(Slot.STABLE)
    if stable is None:
        raise target.nothing_runs()
    expected = Expected.of(target.bundle(stable.release), stable.release)
    addresses = (replica.address for replica in stable.replicas)
    verdict = judge_replicas(addresses, expected, target.engine.client, environment=env)
    write(verdict)
    target.keep(verdict)
    return verdict.exit_code


def _print(target: Target, running: Running) -> None:
    table = Table(title=f"{target.name}  {running.url}", title_justify="left", title_style="bold")
    for name in ("slot", "release", "traffic", "replicas"):
        table.add_column(name, justify="right" if name == "traffic" else "left")
    for slot, status in running.slots.items():
        alive = sum(replica.alive for replica in status.replicas)
        restarts = sum(replica.restarts for replica in status.replicas)
        replicas = f"{alive} of {len(status.replicas)} alive" + (f", {restarts} restart(s)" if restarts else "")
        table.add_row(str(slot), status.release.name, f"{status.share:.0%}", replicas)
    target.console.print(table)
    for slot, status in running.slots.items():
        target.say(f"{slot}: {status.release.scoring}", "")
    for line in attention(target, running):
        target.say(line, "yellow")


def _as_dict(target: Target, running: Running) -> dict[str, Any]:
    slots = {
        str(slot): {
            "release": status.release.digest,
            "version": status.release.version,
            "scorer": status.release.scorer,
            "scorer_reason": status.release.scorer_reason,
            "share": status.share,
            "replicas": [vars(replica) for replica in status.replicas],
        }
        for slot, status in running.slots.items()
    }
    entry = target.journal.read()
    return {
        "url": running.url,
        "where": running.where,
        "proxy_alive": running.proxy_alive,
        "supervised": running.supervised,
        "hung": running.hung,
        "slots": slots,
        "rollout": entry.model_dump() if entry else None,
        "warnings": attention(target, running),
    }


def _print_logs(target: Target, running: Running) -> None:
    target.say(running.where)
    for name, text in target.engine.logs(LOG_LINES).items():
        target.console.rule(name)
        tell(*text.splitlines())
