"""The phases that deploy, canary, promote and rollback are made of. Each is safe to repeat."""

import math
import time
from datetime import UTC, datetime

from gateline.contracts.event import LIFTED
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.verdict import Outcome, Verdict
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GateRefused, Inconclusive, OutsideError
from infra.engines.contract import Running
from infra.rollout.last_change import Moment
from infra.rollout.journal import Entry, Kind
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.smoke import Expected, judge_replicas
from infra.rollout.target import Target
from validation.canary.blocks import increment

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
    """Fetch, start, wait ready and smoke-test a release next to what serves; it gets no traffic yet."""
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
    status = target.engine.status().slots.get(slot)
    if status is None:
        raise OutsideError(f"nothing runs in slot {slot} of {target.name}", f"invoke status --env={target.name}")
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


def soak(target: Target, slot: Slot, release: Release, seconds: float) -> None:
    """Watch a slot that has all traffic by what its replicas answer. Raises GateRefused if one dies or its answers fail."""
    target.journal.phase("soak")
    target.say(f"watching {slot} for {seconds:g} s")
    limit = target.settings.gates.canary.max_error_increase
    before, end = _metrics(target, slot, release), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(SOAK_POLL_SECONDS, seconds))
        now = _metrics(target, slot, release, before.restarts)
        seen = increment(before, now)
        if seen.errors >= SOAK_MIN_ERRORS and seen.error_share > limit:
            raise GateRefused(
                f"{seen.errors:.0f} of {seen.requests:.0f} answers of {release.name} failed, allowed {limit:.1%}",
                "invoke status --logs", rule="soak",
            )


def _metrics(target: Target, slot: Slot, release: Release, restarts: float = math.inf) -> SlotMetrics:
    """Read a slot's figures. Raises GateRefused where a replica died since it had so many `restarts`.

    The engine is asked for what it runs only where a replica gives no figures: it may have died just now.
    """
    died = GateRefused(f"a replica of {release.name} died under traffic", "invoke status --logs", rule="soak")
    try:
        metrics = target.engine.metrics(slot)
    except OutsideError:
        if _has_died(target, slot, restarts):
            raise died from None
        raise
    if metrics.restarts > restarts or (metrics.silent and _has_died(target, slot, restarts)):
        raise died
    return metrics


def _has_died(target: Target, slot: Slot, restarts: float) -> bool:
    status = target.engine.status().slots.get(slot)
    replicas = status.replicas if status is not None else ()
    return not all(replica.alive for replica in replicas) or sum(replica.restarts for replica in replicas) > restarts


def settle(target: Target, running: Running | None = None) -> Release:
    """Make the release in the canary slot, which has all traffic, the stable one, and return it; keep the old one warm."""
    target.journal.phase("settle")
    running = running or target.engine.status()
    before, canary = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
    if canary is not None:
        if before is not None:
            target.engine.stop(Slot.PREVIOUS)
            target.engine.move(Slot.STABLE, Slot.PREVIOUS)
        target.engine.move(Slot.CANARY, Slot.STABLE)
    stable = canary or before
    if stable is None:
        raise OutsideError(f"nothing runs in slot stable of {target.name}", f"invoke status --env={target.name}")
    target.engine.remember([*(digest for digest in target.engine.history() if digest != stable.digest), stable.digest])
    entry = target.journal.read()
    reason = target.quarantine.reason(stable.digest) if entry is not None and entry.lifts else None
    if reason is not None:  # an event first, then the lists
        target.recorder.record(LIFTED, stable.digest, {"change": "lift-quarantine", "outcome": "done", "reason": reason})
        target.quarantine.lift(stable.digest)
        target.say("out of quarantine", "yellow", f": it was there because: {reason}")
    try:
        point_champion(target, stable)
    except UNREACHABLE as error:  # no change fails for it
        target.say_unreachable(error, "it is told by the next command that can")
    return stable


def discard(target: Target, left: str, reason: str) -> None:
    """Give stable all traffic, set the canary's release (a digest) apart, and stop it."""
    switch(target, Slot.STABLE)
    target.quarantine.add(left, reason)
    target.engine.stop(Slot.CANARY)
    target.engine.stop(Slot.BASELINE)


def settle_back(target: Target, left: str, reason: str) -> Release:
    """Make the previous release, which has all traffic, the stable one, and return it; set the one left (a digest) apart."""
    target.journal.phase("settle")
    target.quarantine.add(left, reason)
    running = target.engine.status()
    previous, stable = running.release_in(Slot.PREVIOUS), running.release_in(Slot.STABLE)
    if previous is not None:
        target.engine.stop(Slot.CANARY)
        target.engine.stop(Slot.STABLE)
        target.engine.move(Slot.PREVIOUS, Slot.STABLE)
    serves = previous or stable
    if serves is None:
        raise OutsideError(f"nothing runs in slot stable of {target.name}", f"invoke status --env={target.name}")
    history = target.engine.history()
    if serves.digest in history:
        target.engine.remember(history[: history.index(serves.digest) + 1])
    return serves


def restore(target: Target, running: Running) -> None:
    """No matter what went wrong: all traffic back to stable, the newcomer stopped."""
    if running.release_in(Slot.STABLE) is not None:
        to_stable(target)
    target.engine.stop(Slot.CANARY)
    target.journal.clear()


def point_champion(target: Target, stable: Release | None) -> None:
    """Let `champion` name what production serves. A rehearsal moves no alias."""
    if target.is_production and not target.rehearsal and stable is not None:
        if target.artifacts.alias(CHAMPION) != stable.artifact:
            target.artifacts.point(CHAMPION, stable.artifact)
