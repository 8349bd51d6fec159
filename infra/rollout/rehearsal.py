"""A rehearsal: on a runner that is thrown away, the champion of the registry plays the part of production."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.artifacts import CHAMPION
from gateline.registry.audit import told_of
from gateline.settings.errors import GateRefused, Inconclusive
from infra.releases.signing.checking import Claim
from infra.releases.signing.checking import require as require_signed
from infra.rollout.keeping import keep
from infra.rollout.phases import begin, bring_up, settle, switch
from infra.rollout.target import Target


def start_champion(target: Target) -> Release | None:
    """Start the champion's newest release as stable in an empty environment; None where the registry has no champion yet,
    or, where releases are signed, none that somebody with a key vouches for.

    Nothing is recorded as deployed: this environment serves nobody. Raises Inconclusive where no alias names a champion,
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
    keep(target, release)
    begin(target, "deploy", release)
    bring_up(target, Slot.CANARY, release, target.environment.replicas)
    switch(target, Slot.CANARY)
    settle(target)
    target.journal.clear()
    return release
