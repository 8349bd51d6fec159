"""What someone should look after in an environment."""

from socket import gethostname

from infra.engines.contract import Running
from infra.host.processes import stopped
from infra.rollout.journal import Entry
from infra.rollout.locking import is_free
from infra.rollout.target import Target

LEFT = {
    "canary": "gives stable all traffic, holds the canary and stops its baseline",
    "promote": "gives stable all traffic and holds the canary, or finishes what had begun",
    "deploy": "takes it back, or finishes what had begun",
    "rollback": "finishes it",
}


def attention(target: Target, running: Running) -> list[str]:
    """Return what a user should know about and could fix, each with how."""
    entry, lines = target.journal.read(), []
    parts = {"proxy": running.proxy_alive, "supervisor": running.supervised}
    ended = [name for name, up in parts.items() if not up and name not in running.hung]
    if running.slots and ended:
        lines.append(f"{' and '.join(ended)} not running. next: invoke up --env={target.name}")
    if running.hung:
        lines.append(
            f"{' and '.join(running.hung)} {'hang' if len(running.hung) > 1 else 'hangs'}: alive, and no answer. "
            f"next: invoke up --env={target.name}"
        )
    for slot, status in running.slots.items() if running.proxy_alive else ():
        dead = sum(not replica.alive for replica in status.replicas)
        if dead:  # what only ended comes back by itself, what was paused does not
            lines.append(
                f"{dead} of {len(status.replicas)} replicas of {slot} do not run. next: invoke up --env={target.name}"
            )
    orphaned = "" if running.slots else target.engine.orphaned()
    if orphaned:
        lines.append(f"{orphaned}. next: invoke down --env={target.name}, then deploy again")
    elif not running.slots:
        lines.append(f"no release runs here. next: invoke deploy --env={target.name}, or invoke up")
    if entry is not None and entry.held:
        lines.append(
            f"a canary is held: {entry.held}. next: invoke canary --env={target.name} --resume, "
            "or promote, or rollback, with the same --env"
        )
    elif entry is not None:
        lines.append(_under_way(target, entry))
    waiting = target.recorder.waiting()
    if waiting:
        broken = target.recorder.broken()
        lines.append(
            f"{waiting} audit event(s) wait: {broken}. next: invoke audit"
            if broken
            else f"{waiting} audit event(s) wait for the registry"
        )
    return lines


def _under_way(target: Target, entry: Entry) -> str:
    who = f"process {entry.pid} on {entry.host or 'this machine'}"
    here = entry.host == gethostname()
    if here and entry.born:
        abandoned = entry.abandoned
    else:  # of another machine the environment's locks tell, which a rollback does not hold
        abandoned = entry.kind != "rollback" and is_free(target.folder, target.engine)
    if abandoned:
        return (
            f"the {entry.kind} begun {entry.started} was left in phase '{entry.phase}': its command ({who}) has ended. "
            f"next: invoke up --env={target.name} {LEFT[entry.kind]}"
        )
    said = f"a {entry.kind} is under way since {entry.started} ({who}, phase '{entry.phase}')"
    if here and stopped(entry.pid):
        said += f"; it is suspended: let it go on (fg, or kill -CONT {entry.pid}) or end it (kill -9 {entry.pid})"
    return said
