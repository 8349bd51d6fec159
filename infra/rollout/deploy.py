"""Deploy: start beside the old release, prove it, switch, watch, keep the old one warm."""

from __future__ import annotations

from dataclasses import dataclass

from gateline.contracts.event import DEPLOYED, UPGRADED
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings.errors import GateRefused
from infra.rollout.admission import admit
from infra.rollout.earlier import keep_last_change
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


def deploy(target: Target, release: Release, options: DeployOptions) -> bool:
    """Bring `release` to all traffic of the environment; return False where it runs there already.

    Loses no request. If any phase fails, the release that served before serves on, and the failure is raised.
    """
    target.refuse_from_laptop(options.from_laptop)
    target.refuse_a_registry_that_ends()
    recover(target)
    running = target.engine.status()
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
    admitted = admit(
        target, release, unjudged=options.unjudged, lift_quarantine=options.lift_quarantine, by_digest=options.by_digest
    )
    facts = {"release": release.model_dump(mode="json"), "verdicts": admitted.verdicts, "rehearsal": target.rehearsal}
    with target.recorder.change("deploy", release.digest, **facts, **vars(options)) as change:
        _phases(target, release, stable.digest if stable else "", admitted.lifts)
        change.type = UPGRADED if stable else DEPLOYED
        change.data["from"] = stable.digest if stable else None
    return True


def _phases(target: Target, release: Release, left: str, lifts: bool) -> None:
    begin(target, "deploy", release, lifts=lifts)
    try:
        bring_up(target, Slot.CANARY, release, target.environment.replicas)
        moved = switch(target, Slot.CANARY)
        soak(target, Slot.CANARY, target.environment.soak_seconds)
        settle(target)
    except BaseException:
        undo(target, "deploy")
        raise
    keep_last_change(target, "deploy", left, moved)
    target.journal.clear()
