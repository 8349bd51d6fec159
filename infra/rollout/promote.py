"""Promote: the canary gets its full number of replicas, then all traffic, then the name stable."""

from __future__ import annotations

from gateline.contracts.event import UPGRADED
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError, first_line
from infra.rollout.earlier import Wish, end_now, keep_last_change
from infra.rollout.journal import Entry
from infra.rollout.notify import notify
from infra.rollout.phases import begin, settle, smoke, soak, switch, to_stable
from infra.rollout.recovery import hold, recover
from infra.rollout.target import Target


def promote(target: Target, *, from_laptop: bool = False, wish: Wish | None = None) -> Release | None:
    """Finish a held canary by hand; return None where somebody else has promoted it since `wish` was looked at.

    Raises UsageError where there is none.
    """
    target.refuse_from_laptop(from_laptop)
    target.refuse_a_registry_that_ends()
    wish = wish or Wish.of(target)
    recover(target)
    running = target.engine.status()
    release = running.release_in(Slot.CANARY)
    if release is None and wish.promoted_since(target, running):
        return None
    if release is None:
        raise UsageError(
            f"no canary is running or held in {target.name}", f"start one: invoke canary --env={target.name}"
        )
    facts = {
        "release": release.model_dump(mode="json"),
        "from_laptop": from_laptop,
        "by_hand": True,
        "rehearsal": target.rehearsal,
    }
    with target.recorder.change("promote", release.digest, **facts) as change:
        finish(target, release)
        change.type = UPGRADED
    notify(target.settings.notify, "promote", target.name, facts | {"reason": "by hand"}, target.say)
    end_now(target)
    return release


def finish(target: Target, release: Release) -> None:
    """Take the canary to all traffic and to stable; on a failure it is held again and stable serves."""
    left = stable.digest if (stable := target.engine.status().release_in(Slot.STABLE)) else ""
    held = target.journal.read()
    begin(target, "promote", release, lifts=held is not None and held.lifts)
    try:
        target.journal.phase("scale")
        _off_traffic(target)
        target.engine.start(Slot.CANARY, release, target.environment.replicas)
        target.engine.wait_ready(Slot.CANARY, target.environment.ready_seconds)
        smoke(target, Slot.CANARY)
        moved = switch(target, Slot.CANARY)
        soak(target, Slot.CANARY, target.environment.soak_seconds)
        settle(target)
    except BaseException as failure:
        hold(target, _entry(target), f"promotion failed: {first_line(failure)}")
        raise
    keep_last_change(target, "promote", left, moved)
    target.journal.clear()


def _off_traffic(target: Target) -> None:
    """Stable serves alone while the canary grows: a command killed here leaves nothing to mend."""
    to_stable(target)
    target.engine.guard(Slot.CANARY, False)


def _entry(target: Target) -> Entry:
    entry = target.journal.read()
    assert entry is not None, "begin() wrote one"
    return entry
