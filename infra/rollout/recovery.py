"""Take up what a killed command left: every mutating command begins here."""

from __future__ import annotations

from contracts.event import FINISHED
from contracts.slots import Slot
from infra.engines.engine import Running
from infra.rollout.journal import Entry
from infra.rollout.phases import point_champion, restore, settle
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.target import Target


def recover(target: Target) -> None:
    """Repair the engine, finish or undo a change whose command died, and chain the events that waited.

    The caller holds the environment's lock, so whoever wrote the journal is gone.
    """
    for repaired in target.engine.up():
        target.say(f"[yellow]repaired[/yellow] {repaired}")
    entry = target.journal.read()
    if entry is not None and not entry.held:
        done = _take_up(target, entry)
        target.say(f"[yellow]the {entry.kind} begun {entry.started} died in phase '{entry.phase}'[/yellow]: {done}")
        target.recorder.record(
            FINISHED, entry.release, {"change": entry.kind, "outcome": "recovered", "phase": entry.phase, "did": done}
        )
    _catch_up(target)


def _take_up(target: Target, entry: Entry) -> str:
    """Decide by what is really running, not by how far the journal got."""
    running = target.engine.status()
    if entry.kind == "rollback":
        return _finish_rollback(target, running)
    if running.release_in(Slot.CANARY) is None:
        target.journal.clear()
        return "nothing of it was left running"
    if entry.phase == "settle":
        return _finish_settling(target)
    if entry.kind in ("canary", "promote"):
        return hold(target, entry, f"the {entry.kind}'s command died in phase '{entry.phase}'")
    restore(target)
    return "all traffic is on stable, the new release was stopped"


def hold(target: Target, entry: Entry, reason: str) -> str:
    """Take the canary's traffic away and leave it running, to be resumed, promoted or discarded.

    Where stable has been moved aside already, holding would leave nothing to serve: the move is finished instead.
    """
    if target.engine.status().release_in(Slot.STABLE) is None:
        return _finish_settling(target)
    target.engine.set_shares({Slot.STABLE: 1.0})
    target.engine.guard(Slot.CANARY, None)
    target.journal.write(entry.model_copy(update={"phase": "held", "held": reason}))
    return "all traffic is on stable, the canary is held"


def _finish_settling(target: Target) -> str:
    target.engine.set_shares({Slot.CANARY: 1.0})
    target.engine.guard(Slot.CANARY, None)
    settle(target)
    target.journal.clear()
    return "the switch was complete, the release is stable now"


def _finish_rollback(target: Target, running: Running) -> str:
    if running.release_in(Slot.STABLE) is None and running.release_in(Slot.PREVIOUS) is not None:
        target.engine.set_shares({Slot.PREVIOUS: 1.0})
        target.engine.move(Slot.PREVIOUS, Slot.STABLE)
        done = "the previous release is stable now"
    else:
        target.engine.set_shares({Slot.STABLE: 1.0})
        done = "all traffic is on stable; run the rollback again if it is still wanted"
    target.journal.clear()
    return done


def _catch_up(target: Target) -> None:
    try:
        chained = target.recorder.flush()
        point_champion(target)
    except UNREACHABLE as error:
        target.say(f"[yellow]the registry cannot be reached[/yellow]: {error}; events are kept with the environment")
        return
    if chained:
        target.say(f"{chained} event(s) that waited for the registry are in the audit log now")
