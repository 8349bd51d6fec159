"""The phases that deploy, canary, promote and rollback are made of. Each is safe to repeat."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from gateline.contracts.event import LIFTED
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.verdict import Outcome, Verdict
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GateRefused, Inconclusive, OutsideError
from infra.engines.contract import SlotStatus
from infra.rollout.earlier import Moment
from infra.rollout.journal import Entry, Kind
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.smoke import Expected, judge_replicas
from infra.rollout.target import Target
from validation.canary.observation import increment

SOAK_POLL_SECONDS = 0.25
SOAK_MIN_ERRORS = 3


def begin(target: Target, kind: Kind, release: Release, reason: str = "", *, lifts: bool = False) -> None:
    """Write into the journal that a change begins; `lifts`: where it succeeds, its release leaves quarantine."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    entry = Entry(
        kind=kind, phase="begin", release=release.digest, started=started, pid=0, reason=reason, lifts=lifts
    )
    target.journal.write(entry.taken_over())


def bring_up(target: Target, slot: Slot, release: Release, replicas: int) -> None:
    """Fetch, start, wait ready and smoke-test a release beside what serves; it gets no traffic yet."""
    target.journal.phase("start")
    fetch(target, release)
    target.say(f"starting {release.name} in slot {slot} ({replicas} replica{'s' if replicas > 1 else ''})")
    target.engine.start(slot, release, replicas)
    target.journal.phase("ready")
    target.engine.wait_ready(slot, target.environment.ready_seconds)
    target.journal.phase("smoke")
    smoke(target, slot)


def fetch(target: Target, release: Release) -> None:
    """Bring the release onto the engine's host, whole; where the registry cannot give it, one that is there must do."""
    try:
        archive = target.archives.pop(release.digest, None) or target.releases.archive(release.digest)
    except UNREACHABLE as error:
        if release.digest in {kept.digest for kept in target.engine.kept()}:
            return
        if isinstance(error, FileNotFoundError):
            raise OutsideError(
                f"the registry holds no archive of {release.name}", "build it again: invoke build"
            ) from None
        raise
    target.engine.fetch(release, archive)


def smoke(target: Target, slot: Slot) -> Verdict:
    """Judge every replica of a slot. Raises GateRefused naming the rule, or Inconclusive where one could not judge."""
    status = _status(target, slot)
    expected = Expected.of(target.bundle(status.release), status.release)
    verdict = judge_replicas((replica.address for replica in status.replicas), expected, target.engine.client)
    for rule in verdict.failed:
        raise GateRefused(f"{rule.name}: {rule.reason}", rule.next_step or "invoke status --logs", rule="smoke")
    if verdict.outcome is not Outcome.PASS:
        raise Inconclusive(
            f"smoke: {status.release.name}: not judged: {', '.join(verdict.not_judged)}",
            "train again, then build again",
        )
    return verdict


def switch(target: Target, slot: Slot) -> Moment:
    """Give one slot all traffic; return when it had it."""
    target.journal.phase("switch")
    target.engine.set_shares({slot: 1.0})
    return Moment.now()


def to_stable(target: Target) -> None:
    """Give stable all traffic; a canary's baseline is not needed any more."""
    target.engine.set_shares({Slot.STABLE: 1.0})
    target.engine.stop(Slot.BASELINE)


def soak(target: Target, slot: Slot, seconds: float) -> None:
    """Watch a slot that has all traffic. Raises GateRefused if a replica dies or its answers fail."""
    target.journal.phase("soak")
    target.say(f"watching {slot} for {seconds:g} s")
    restarts = _restarts(_status(target, slot))
    before = _metrics(target, slot, restarts)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(SOAK_POLL_SECONDS, seconds))
        _refuse_sick(target, slot, before, restarts)


def settle(target: Target) -> None:
    """Make the release in the canary slot, which has all traffic, the stable one; keep the old one warm."""
    target.journal.phase("settle")
    running = target.engine.status()
    if running.release_in(Slot.CANARY) is not None:
        if running.release_in(Slot.STABLE) is not None:
            target.engine.stop(Slot.PREVIOUS)
            target.engine.move(Slot.STABLE, Slot.PREVIOUS)
        target.engine.move(Slot.CANARY, Slot.STABLE)
    stable = _status(target, Slot.STABLE).release.digest
    target.engine.remember([*(digest for digest in target.engine.history() if digest != stable), stable])
    _lift(target, stable)
    tell_registry(target)


def _lift(target: Target, stable: str) -> None:
    """Take the release that serves now out of quarantine, where that was asked for: an event first, then the lists."""
    entry = target.journal.read()
    reason = target.quarantine.reason(stable) if entry is not None and entry.lifts else None
    if reason is None:
        return
    target.recorder.record(LIFTED, stable, {"change": "lift-quarantine", "outcome": "done", "reason": reason})
    target.quarantine.lift(stable)
    target.say("out of quarantine", "yellow", f": it was there because: {reason}")


def discard(target: Target, left: str, reason: str) -> None:
    """Give stable all traffic, set the canary's release (a digest) apart, and stop it."""
    switch(target, Slot.STABLE)
    target.quarantine.add(left, reason)
    target.engine.stop(Slot.CANARY)
    target.engine.stop(Slot.BASELINE)


def settle_back(target: Target, left: str, reason: str) -> None:
    """Make the previous release, which has all traffic, the stable one; set the one that is left (a digest) apart."""
    target.journal.phase("settle")
    target.quarantine.add(left, reason)
    if target.engine.status().release_in(Slot.PREVIOUS) is not None:
        target.engine.stop(Slot.CANARY)
        target.engine.stop(Slot.STABLE)
        target.engine.move(Slot.PREVIOUS, Slot.STABLE)
    history, stable = target.engine.history(), _status(target, Slot.STABLE).release.digest
    if stable in history:
        target.engine.remember(history[: history.index(stable) + 1])


def restore(target: Target) -> None:
    """Whatever went wrong: all traffic back to stable, the newcomer stopped."""
    if target.engine.status().release_in(Slot.STABLE) is not None:
        to_stable(target)
    target.engine.stop(Slot.CANARY)
    target.journal.clear()


def point_champion(target: Target) -> None:
    """Let `champion` name what production serves. A rehearsal moves no alias."""
    stable = target.engine.status().release_in(Slot.STABLE)
    if target.is_production and not target.rehearsal and stable is not None:
        if target.artifacts.alias(CHAMPION) != stable.artifact:
            target.artifacts.point(CHAMPION, stable.artifact)


def tell_registry(target: Target) -> None:
    """Let the champion alias follow, now or (from the next command) when the registry is back: no change fails for it."""
    try:
        point_champion(target)
    except UNREACHABLE as error:
        target.say_unreachable(error, "it is told by the next command that can")


def _refuse_sick(target: Target, slot: Slot, before: SlotMetrics, restarts: int) -> None:
    _refuse_dead(target, slot, restarts)
    seen = increment(before, _metrics(target, slot, restarts))
    limit = target.settings.gates.canary.max_error_increase
    if seen.errors >= SOAK_MIN_ERRORS and seen.error_share > limit:
        name = _status(target, slot).release.name
        raise GateRefused(
            f"{seen.errors:.0f} of {seen.requests:.0f} answers of {name} failed, allowed {limit:.1%}",
            "invoke status --logs", rule="soak",
        )


def _refuse_dead(target: Target, slot: Slot, restarts: int) -> None:
    status = _status(target, slot)
    if _restarts(status) > restarts or not all(replica.alive for replica in status.replicas):
        raise GateRefused(f"a replica of {status.release.name} died under traffic", "invoke status --logs", rule="soak")


def _metrics(target: Target, slot: Slot, restarts: int) -> SlotMetrics:
    """Read a slot's figures; where a replica gives none because it has just died, say that."""
    try:
        return target.engine.metrics(slot)
    except OutsideError:
        _refuse_dead(target, slot, restarts)
        raise


def _status(target: Target, slot: Slot) -> SlotStatus:
    status = target.engine.status().slots.get(slot)
    if status is None:
        raise OutsideError(f"nothing runs in slot {slot} of {target.name}", f"invoke status --env={target.name}")
    return status


def _restarts(status: SlotStatus) -> int:
    return sum(replica.restarts for replica in status.replicas)
