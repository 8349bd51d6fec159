"""Deploy: start alongside the old release, prove it, switch, watch, keep the old one warm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.event import DEPLOYED, UPGRADED
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.artifacts import CHAMPION
from gateline.registry.audit import told_of
from gateline.settings.errors import GateRefused, Inconclusive
from infra.engines.contract import Running
from infra.releases.signing.checking import Claim
from infra.releases.signing.checking import require as require_signed
from infra.rollout.admission import admit, keep
from infra.rollout.last_change import keep_last_change
from infra.rollout.phases import begin, bring_up, settle, soak, switch
from infra.rollout.recovery import recover, undo
from infra.rollout.target import Target


@dataclass(frozen=True)
class DeployOptions:
    """What the caller allows; every one of these is recorded."""

    skip_canary: bool = False
    unjudged: bool = False
    lift_quarantine: bool = False
    from_laptop: bool = False
    by_digest: bool = False


def deploy(target: Target, release: Release, options: DeployOptions, running: Running | None = None) -> bool:
    """Bring `release` to all traffic of the environment; return False where it runs there already.

    `running` is what `recover` returned, where the caller has called it. Loses no request. If any phase fails, the release
    that served before serves on, and the failure is raised.
    """
    target.refuse_from_laptop(options.from_laptop)
    target.refuse_a_registry_that_ends()
    running = running or recover(target).running
    stable, waiting = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
    if waiting is not None:
        raise GateRefused(
            f"{waiting.name} is held as a canary here",
            f"finish it first: invoke promote --env={target.name}, or rollback, with the same --env",
        )
    if stable is not None and stable.digest == release.digest:
        return False
    if target.is_production and stable is not None and not options.skip_canary and not target.rehearsal:
        raise GateRefused(
            f"{stable.name} is champion here; a deploy would pass the canary by",
            f"invoke canary --env={target.name}, or add --skip-canary (recorded so)",
        )
    unjudged, lift, whole = options.unjudged, options.lift_quarantine, options.by_digest
    admitted = admit(target, release, running, unjudged=unjudged, lift_quarantine=lift, by_digest=whole)
    facts: dict[str, Any] = {"release": release.model_dump(mode="json"), "verdicts": admitted.verdicts}
    facts |= {"rehearsal": target.rehearsal, **vars(options)}
    with target.recorder.change("deploy", release.digest, **facts) as change:
        _phases(target, release, stable.digest if stable else "", admitted.lifts)
        change.type = UPGRADED if stable else DEPLOYED
        change.data["from"] = stable.digest if stable else None
    return True


def _phases(target: Target, release: Release, left: str, lifts: bool) -> None:
    begin(target, "deploy", release, lifts=lifts)
    try:
        bring_up(target, Slot.CANARY, release, target.environment.replicas)
        moved = switch(target, Slot.CANARY)
        soak(target, Slot.CANARY, release, target.environment.soak_seconds)
        settle(target)
    except BaseException:
        undo(target, "deploy")
        raise
    keep_last_change(target, "deploy", left, release.digest, moved)
    target.journal.clear()


def start_champion(target: Target, running: Running) -> Release | None:
    """Let the registry's champion play production in a rehearsal: start its newest release as stable in an empty environment.

    Returns None where the registry has no champion yet or, where releases are signed, none that somebody with a key vouches
    for. Nothing is recorded as deployed: this environment serves nobody. Raises Inconclusive where no alias names a champion,
    though the audit log tells of a release in production.
    """
    champion = target.artifacts.alias(CHAMPION)
    told = told_of(target.recorder.log) if champion is None else None
    if told is not None:
        raise Inconclusive(
            f"rehearsal: {told.why}; yet no alias '{CHAMPION}' says which model is to play production",
            f"invoke up --env={target.name}, where it serves, lets the alias name what serves",
        )
    record = next((built for built in reversed(target.releases.all()) if built.artifact == champion), None)
    if record is None:
        return None
    try:
        release = target.named(record.digest)
        if release.artifact != champion:
            raise GateRefused(f"{release.name} is no release of it", "restore the registry from a copy", rule="digest")
        require_signed(Claim(target.settings, Path("."), target.store, release, {}))
    except GateRefused as error:
        target.say("rehearsal", "yellow", f": no champion plays production, for the registry's is not let in: {error.message}")
        return None
    target.say("rehearsal", "yellow", f": {release.name}, the registry's champion, plays production here")
    keep(target, running, release)
    begin(target, "deploy", release)
    bring_up(target, Slot.CANARY, release, target.environment.replicas)
    switch(target, Slot.CANARY)
    settle(target)
    target.journal.clear()
    return release
