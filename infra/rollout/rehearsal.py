"""A rehearsal: on a runner that is thrown away, the champion of the registry plays the part of production."""

from __future__ import annotations

from contracts.release import Release
from contracts.slots import Slot
from infra.rollout.keeping import keep
from infra.rollout.phases import begin, bring_up, settle, switch
from infra.rollout.target import Target
from registry.artifacts import CHAMPION


def start_champion(target: Target) -> Release | None:
    """Start the champion's newest release as stable in an empty environment; None where the registry has no champion yet.

    Nothing is recorded as deployed: this environment serves nobody.
    """
    champion = target.artifacts.alias(CHAMPION)
    release = next((built for built in reversed(target.releases.all()) if built.artifact == champion), None)
    if release is None:
        return None
    target.say("rehearsal", "yellow", f": {release.name}, the registry's champion, plays production here")
    keep(target, release)
    begin(target, "deploy", release)
    bring_up(target, Slot.CANARY, release, target.environment.replicas)
    switch(target, Slot.CANARY)
    settle(target)
    target.journal.clear()
    return release
