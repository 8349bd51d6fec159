"""The phases that deploy, canary, promote and rollback are made of. Each is safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from os import getpid
from pathlib import Path

from contracts.release import Release
from contracts.slots import Slot, SlotMetrics
from contracts.verdict import Outcome, Verdict
from infra.engines.engine import SlotStatus
from infra.rollout.journal import Entry, Kind
from infra.rollout.target import STATE, Target
from infra.smoke import Expected, judge
from registry.artifacts import CHAMPION
from settings.errors import GateRefused, OutsideError

SOAK_POLL_SECONDS = 0.25
SOAK_MIN_ERRORS = 3


def begin(target: Target, kind: Kind, release: Release) -> None:
    """Write into the journal that a change begins."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    target.journal.write(Entry(kind=kind, phase="begin", release=release.digest, started=started, pid=getpid()))


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
    """Bring the release onto the engine's host, from the registry if it is not there yet."""
    if release.digest not in {kept.digest for kept in target.engine.kept()}:
        target.engine.fetch(release, target.releases.archive(release.digest))


def smoke(target: Target, slot: Slot) -> Verdict:
    """Judge every replica of a slot. Raises GateRefused naming the rule."""
    status = _status(target, slot)
    expected = Expected.of(Path(STATE) / "releases" / status.release.digest, status.release)
    verdict = _worst(judge(f"http://{replica.address}", expected) for replica in status.replicas)
    for rule in verdict.failed:
        raise GateRefused(f"smoke: {rule.name}: {rule.reason}", rule.next_step or "invoke status --logs")
    return verdict


def switch(target: Target, slot: Slot) -> None:
    """Give one slot all traffic."""
    target.journal.phase("switch")
    target.engine.set_shares({slot: 1.0})


def soak(target: Target, slot: Slot, seconds: float) -> None:
    """Watch a slot that has all traffic. Raises GateRefused if a replica dies or its answers fail."""
    target.journal.phase("soak")
    target.say(f"watching {slot} for {seconds:g} s")
    before, restarts = target.engine.metrics(slot), _restarts(_status(target, slot))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(SOAK_POLL_SECONDS, seconds))
        _refuse_sick(target, slot, before, restarts)


def settle(target: Target) -> None:
    """Make the release in the canary slot, which has all traffic, the stable one; keep the old one warm."""
    target.journal.phase("settle")
    running = target.engine.status()
    promoted, old = running.release_in(Slot.CANARY), running.release_in(Slot.STABLE)
    if old is not None:
        target.engine.stop(Slot.PREVIOUS)
        target.engine.move(Slot.STABLE, Slot.PREVIOUS)
    target.engine.move(Slot.CANARY, Slot.STABLE)
    assert promoted is not None
    target.engine.remember([*(d for d in target.engine.history() if d != promoted.digest), promoted.digest])
    point_champion(target)


def restore(target: Target) -> None:
    """Whatever went wrong: all traffic back to stable, the newcomer stopped."""
    if target.engine.status().release_in(Slot.STABLE) is not None:
        target.engine.set_shares({Slot.STABLE: 1.0})
    target.engine.stop(Slot.CANARY)
    target.journal.clear()


def point_champion(target: Target) -> None:
    """Let `champion` name what production serves. A rehearsal moves no alias."""
    stable = target.engine.status().release_in(Slot.STABLE)
    if target.is_production and not target.rehearsal and stable is not None:
        if target.artifacts.alias(CHAMPION) != stable.artifact:
            target.artifacts.point(CHAMPION, stable.artifact)


def _refuse_sick(target: Target, slot: Slot, before: SlotMetrics, restarts: int) -> None:
    status = _status(target, slot)
    if _restarts(status) > restarts or not all(replica.alive for replica in status.replicas):
        raise GateRefused(f"soak: a replica of {status.release.name} died under traffic", "invoke status --logs")
    now = target.engine.metrics(slot)
    requests, errors = now.requests - before.requests, now.errors - before.errors
    limit = target.settings.gates.canary.max_error_increase
    if errors >= SOAK_MIN_ERRORS and errors / max(requests, errors) > limit:
        raise GateRefused(
            f"soak: {errors:.0f} of {requests:.0f} answers of {status.release.name} failed, allowed {limit:.1%}",
            "invoke status --logs",
        )


def _status(target: Target, slot: Slot) -> SlotStatus:
    status = target.engine.status().slots.get(slot)
    if status is None:
        raise OutsideError(f"nothing runs in slot {slot} of {target.name}", f"invoke status --env={target.name}")
    return status


def _restarts(status: SlotStatus) -> int:
    return sum(replica.restarts for replica in status.replicas)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    listed = list(verdicts)
    return next((verdict for verdict in listed if verdict.outcome is not Outcome.PASS), listed[0])
