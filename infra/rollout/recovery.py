"""Take up what a killed command left: every mutating command begins here."""

from contextlib import suppress
from typing import Any, NamedTuple

from gateline.contracts.event import FINISHED
from gateline.contracts.files import reserve
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.audit import ChainBroken
from gateline.settings.errors import first_line
from infra.engines.contract import NOT_STARTED, Running
from infra.rollout.last_change import keep_last_change
from infra.rollout.journal import Entry
from infra.rollout.notify import notify
from infra.rollout.phases import discard, point_champion, restore, settle, settle_back, to_stable
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.target import Target

NOT_SWITCHED = "nothing was switched yet; run the rollback again if it is still wanted"


class Recovered(NamedTuple):
    """What runs once the environment was repaired, and the release (a digest) that a rollback left which is finished now."""

    running: Running
    left: str = ""


def recover(target: Target, *, tell: bool = True) -> Recovered:
    """Repair the engine, finish or undo a change whose command died, and chain the events that waited.

    Without `tell`, the registry is told later: a rollback's traffic does not wait for it. The caller holds the
    environment's lock, so the process that wrote the journal is gone, or loses it to a rollback now.
    """
    for told in target.engine.up():
        refused = told.startswith(NOT_STARTED)
        target.say("not started" if refused else "repaired", "yellow", f": {told.removeprefix(NOT_STARTED)}")
    entry = target.journal.read()
    left = _take_up(target, entry, tell) if entry is not None and not entry.held else ""
    running = target.engine.status()
    if tell:
        catch_up(target, running.release_in(Slot.STABLE))
    return Recovered(running, left)


def _take_up(target: Target, entry: Entry, tell: bool) -> str:
    """Finish or undo one change, say so and record it; return the release that a rollback left so."""
    # First: on another machine its command may live, and sees that it is not its own any more.
    target.journal.write(entry.taken_over())
    running = target.engine.status()
    done = _put_right(target, entry, running)
    left = entry.kind == "rollback" and done != NOT_SWITCHED
    target.say(f"the {entry.kind} begun {entry.started} died in phase '{entry.phase}'", "yellow", f": {done}")
    did: dict[str, Any] = {"change": entry.kind, "outcome": "recovered", "phase": entry.phase, "did": done}
    did |= {"quarantined": True, "reason": entry.reason} if left else {}
    record = target.recorder.record if tell else target.recorder.later
    record(FINISHED, entry.release, did)
    if tell and entry.kind in ("canary", "promote"):  # a watcher that was killed could tell nobody
        releases = (slot.release for slot in running.slots.values())
        release = next((release for release in releases if release.digest == entry.release), None)
        facts = {"release": release.model_dump(mode="json") if release else entry.release, "phase": entry.phase}
        why = {"reasons": [f"its command died in phase '{entry.phase}': {done}"]}
        notify(target.settings.notify, f"{entry.kind} recovered", target.name, facts | why, target.say)
    return entry.release if left else ""


def _put_right(target: Target, entry: Entry, running: Running) -> str:
    """Decide by what is really running first, and by how far the journal got where that leaves a choice."""
    if entry.kind == "rollback":
        return _finish_rollback(target, entry, running)
    if entry.phase == "settle":
        return _finish_settling(target, running)
    if entry.kind in ("canary", "promote"):
        return hold(target, entry, f"the {entry.kind}'s command died in phase '{entry.phase}'", running)
    restore(target, running)
    return "the new release was stopped, " + (
        "all traffic is on stable" if running.release_in(Slot.STABLE) else "nothing served here before"
    )


def hold(target: Target, entry: Entry, reason: str, running: Running | None = None) -> str:
    """Take the canary's traffic away and leave it running, to be resumed, promoted or discarded.

    Where stable has been moved aside already, holding would leave nothing to serve: the move is finished instead.
    """
    running = running or target.engine.status()
    stable, canary = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
    if canary is None and entry.phase != "settle":
        restore(target, running)
        return "the canary is gone, all traffic is on stable"
    if canary is None or stable is None:
        return _finish_settling(target, running)
    to_stable(target)
    target.engine.guard(Slot.CANARY, False)
    target.journal.write(entry.model_copy(update={"phase": "held", "held": reason}))
    return "all traffic is on stable, the canary is held"


def undo(target: Target, kind: str) -> None:
    """Take back a change that failed before its release was stable; what cannot be undone is left to the next command.

    Never raises what Gateline raises: that would hide the failure that is being undone.
    """
    try:
        entry, running = target.journal.read(), target.engine.status()
        stable, canary = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
        if entry is not None and entry.phase == "settle" and (stable is None or canary is None):
            done = _finish_settling(target, running)  # the old release was moved aside, or the new one is stable already
        else:
            restore(target, running)
            done = f"{stable.name} serves on" if stable else "nothing served here before"
    except UNREACHABLE as second:
        why = first_line(second)
        target.say("undoing failed as well", "red", f": {why}; run: invoke up --env={target.name}")
        return
    target.say(f"{kind} failed", "red", f"; {done}")


def _finish_settling(target: Target, running: Running) -> str:
    if running.release_in(Slot.CANARY) is not None:
        target.engine.set_shares({Slot.CANARY: 1.0})
        target.engine.guard(Slot.CANARY, False)
    settle(target, running)
    target.journal.clear()
    return "the switch was complete, the release is stable now"


def _finish_rollback(target: Target, entry: Entry, running: Running) -> str:
    """Finish what had begun to move traffic; a rollback that had moved nothing yet is left to be asked for again."""
    stable, canary, previous = (running.release_in(slot) for slot in (Slot.STABLE, Slot.CANARY, Slot.PREVIOUS))
    serves = stable
    if canary is not None and canary.digest == entry.release:
        discard(target, entry.release, entry.reason)
        done = "all traffic is on stable, the canary is discarded"
    elif stable is not None and stable.digest != entry.release:
        if entry.phase == "settle":
            serves = settle_back(target, entry.release, entry.reason)
        done = "it was complete, all traffic is on stable"
    elif previous is not None and entry.phase in ("switch", "settle"):
        target.engine.set_shares({Slot.PREVIOUS: 1.0})
        serves = settle_back(target, entry.release, entry.reason)
        done = "the previous release is stable now"
    else:
        if entry.phase == "start":
            target.engine.stop(Slot.PREVIOUS)
        done = NOT_SWITCHED
    target.engine.stop(Slot.BASELINE)
    if done != NOT_SWITCHED:
        keep_last_change(target, "rollback", entry.release, serves.digest if serves else "")
    target.journal.clear()
    return done


def catch_up(target: Target, stable: Release | None) -> None:
    """Tell the registry what it could not be told before, and fill the reserve; one that is still gone fails nothing."""
    with suppress(OSError):  # a full disk: what is left of the reserve must do
        reserve(target.folder)
    try:
        chained = 0
        with suppress(ChainBroken):  # not the log seen before: that has been complained of, and what waits waits on
            chained = target.recorder.flush()
        target.quarantine.tell()
        point_champion(target, stable)
    except UNREACHABLE as error:
        target.say_unreachable(error, "what it should know is kept with the environment")
        return
    if chained:
        target.say(f"{chained} event(s) that waited for the registry are in the audit log now")
