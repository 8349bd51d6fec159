"""Canary: a tenth of real traffic, judged live against stable; then promoted, rolled back or held."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.event import FINISHED, ROLLED_BACK, UPGRADED
from gateline.contracts.release import ARTIFACT_FOLDER, Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Verdict
from gateline.settings.errors import GateRefused, UsageError, first_line
from infra.rollout.admission import admit
from infra.rollout.decision import Step, next_step
from infra.rollout.earlier import Wish, end_now
from infra.rollout.heartbeat import Heartbeat
from infra.rollout.journal import Entry
from infra.rollout.notify import notify
from infra.rollout.phases import begin, bring_up
from infra.rollout.promote import finish
from infra.rollout.recorder import Change
from infra.rollout.recovery import hold, recover, undo
from infra.rollout.rollback import Plan, carry_out
from infra.rollout.target import Target
from infra.rollout.traffic import synthetic
from infra.rollout.watch import Watch
from validation.canary.detectable import detectable

LOOK_SECONDS = COUNT_SECONDS = 1.0
DEFAULT_RATE = 50.0
"""Synthetic requests a second where neither the command nor the load profile names a rate."""
MADE_UP = (
    "the traffic was synthetic: rows drawn from the distribution of stable's training rows, none of which need occur; "
    "how the two models differ on yours, real traffic tells (--traffic=real)"
)


@dataclass(frozen=True)
class CanaryOptions:
    """What the caller asks for; recorded."""

    resume: bool = False
    traffic: str = "real"
    rate: float = 0.0
    seconds: float = 0.0
    unjudged: bool = False
    lift_quarantine: bool = False
    from_laptop: bool = False
    by_digest: bool = False


@dataclass(frozen=True)
class Ended:
    """How a canary ended."""

    step: Step
    release: Release
    verdict: Verdict


def canary(target: Target, release: Release, options: CanaryOptions, wish: Wish | None = None) -> Ended | None:
    """Run `release` beside stable and decide; None where it is stable already, or was promoted since `wish` was looked at.

    Every path out ends with 100 % of traffic on one release; interrupted, the canary is held.
    """
    target.refuse_from_laptop(options.from_laptop)
    target.refuse_a_registry_that_ends()
    wish = wish or Wish.of(target)
    recover(target)
    if options.resume and _is_promoted(target, wish):
        return None
    release = _subject(target, release, options)
    stable = target.engine.status().release_in(Slot.STABLE)
    if stable is None:
        raise UsageError(f"no champion serves in {target.name}", f"invoke deploy --env={target.name}")
    if stable.digest == release.digest:
        return None
    held = target.journal.read()
    lift = options.lift_quarantine or (options.resume and held is not None and held.lifts)
    known = options.by_digest or options.resume
    admitted = admit(target, release, unjudged=options.unjudged, lift_quarantine=lift, by_digest=known)
    facts = {"release": release.model_dump(mode="json"), "stable": stable.digest, "verdicts": admitted.verdicts}
    recorded = facts | vars(options) | {"rehearsal": target.rehearsal}
    try:
        with target.recorder.change("canary", release.digest, **recorded) as change:
            begin(target, "canary", release, lifts=admitted.lifts)
            verdict = _start_and_watch(target, release, options)
            step = next_step(verdict, 1.0, 0.0)
            _conclude(target, release, step, verdict, change)
    except TakenOver:
        raise
    except BaseException as failure:
        _tell_of(target, facts, failure)
        raise
    notify(target.settings.notify, f"canary {step}", target.name, facts | {"reasons": reasons(verdict)}, target.say)
    if step is not Step.HOLD:
        end_now(target)
    return Ended(step, release, verdict)


class TakenOver(GateRefused):
    """Another command, which tells of it itself, ended the canary while it was watched."""


def _tell_of(target: Target, facts: dict[str, Any], failure: BaseException) -> None:
    """Tell people of a canary that did not come to its end: held, or stopped before it got traffic."""
    entry = target.journal.read()
    event = f"canary {Step.HOLD}" if entry is not None and entry.held else "canary failed"
    notify(target.settings.notify, event, target.name, facts | {"reasons": [_why(failure)]}, target.say)


def _why(failure: BaseException) -> str:
    return "interrupted" if isinstance(failure, KeyboardInterrupt) else first_line(failure)


def reasons(verdict: Verdict) -> list[str]:
    """Return why a verdict is no pass."""
    return [rule.reason for rule in verdict.failed] or [f"not judged: {name}" for name in verdict.not_judged]


def _is_promoted(target: Target, wish: Wish) -> bool:
    running = target.engine.status()
    return running.release_in(Slot.CANARY) is None and wish.promoted_since(target, running)


def _subject(target: Target, release: Release, options: CanaryOptions) -> Release:
    """Return what is to be judged: the held canary with `--resume`, otherwise the release asked for."""
    waiting = target.engine.status().release_in(Slot.CANARY)
    if options.resume and waiting is None:
        raise UsageError(f"no canary is held in {target.name}", f"invoke canary --env={target.name}")
    if waiting is not None and not options.resume:
        raise GateRefused(
            f"{waiting.name} is held as a canary here",
            f"invoke canary --env={target.name} --resume, or promote, or rollback, with the same --env",
        )
    return waiting if waiting is not None else release


def _start_and_watch(target: Target, release: Release, options: CanaryOptions) -> Verdict:
    """Bring the canary up (it is up already when resumed) and watch it until it is decided."""
    try:
        _start(target, release)
    except BaseException:
        undo(target, "canary")
        raise
    try:
        return _watched(target, release, options)
    except BaseException as failure:
        why = _why(failure)
        _refuse_if_taken_over(target, release)
        held = hold(target, _entry(target), why)
        target.say(f"{why}: {held}; go on: invoke canary --env={target.name} --resume")
        raise


def _start(target: Target, release: Release) -> None:
    """Start the canary, and beside it a baseline: fresh replicas of stable, each of which will get as much traffic."""
    stable = target.engine.status().release_in(Slot.STABLE)
    assert stable is not None, "a canary is refused where nothing is stable"
    target.engine.start(Slot.BASELINE, stable, baseline_replicas(target.environment.canary_share))
    bring_up(target, Slot.CANARY, release, 1)
    target.engine.wait_ready(Slot.BASELINE, target.environment.ready_seconds)


def baseline_replicas(canary: float) -> int:
    """Return two, so that the baseline scatters less than the canary; one where stable would get too little."""
    return 2 if 4 * canary <= 1.0 else 1


def shares(canary: float) -> dict[Slot, float]:
    """Return the share of each slot: a baseline replica gets as much as the canary, unless stable would get less than it."""
    replicas = baseline_replicas(canary)
    baseline = replicas * min(canary, (1.0 - canary) / (1 + replicas))
    return {Slot.CANARY: canary, Slot.BASELINE: baseline, Slot.STABLE: 1.0 - canary - baseline}


def _watched(target: Target, release: Release, options: CanaryOptions) -> Verdict:
    seconds = options.seconds or target.environment.canary_seconds
    with ExitStack() as stack:
        heartbeat = stack.enter_context(Heartbeat(target.engine.beat))
        target.engine.guard(Slot.CANARY, True)
        share = target.environment.canary_share
        split = shares(share)
        rate = options.rate or target.settings.load.rate or DEFAULT_RATE
        is_synthetic = options.traffic == "synthetic" or target.rehearsal
        gate, expected = target.settings.gates.canary, rate if is_synthetic else _rate(target)
        seen = detectable(gate, share, expected, seconds, baseline=split[Slot.BASELINE])
        target.say(f"within {seconds:g} s, {seen.sentence(gate)}")
        target.engine.set_shares(split)
        if is_synthetic:
            url = f"{target.engine.status().url}/predict"
            asked = _artifact_of_stable(target)
            stack.enter_context(synthetic(url, rate, seconds + 60, "pipeline.toml", Path("."), asked, target.engine.token))
        target.journal.phase("watch")
        verdict = _until_decided(Watch(target, release, heartbeat, made_up=is_synthetic), seconds)
        return verdict.model_copy(update={"notes": (*verdict.notes, MADE_UP)}) if is_synthetic else verdict


def _artifact_of_stable(target: Target) -> Path:
    """Clients send what stable takes: a canary with a changed schema must answer that."""
    stable = target.engine.status().release_in(Slot.STABLE)
    assert stable is not None, "a canary is refused where nothing is stable"
    return target.bundle(stable) / ARTIFACT_FOLDER


def _rate(target: Target) -> float:
    """Return the requests a second that stable answers now."""
    before = target.engine.metrics(Slot.STABLE).requests
    time.sleep(COUNT_SECONDS)
    return max(0.0, target.engine.metrics(Slot.STABLE).requests - before) / COUNT_SECONDS


def _until_decided(watch: Watch, seconds: float) -> Verdict:
    begun = time.monotonic()
    with watch:
        while True:
            verdict = watch.look()
            elapsed = time.monotonic() - begun
            if next_step(verdict, elapsed, seconds) is not Step.WATCH:
                return verdict
            watch.show(verdict, elapsed, seconds)
            time.sleep(LOOK_SECONDS - (time.monotonic() - begun) % LOOK_SECONDS)


def _conclude(target: Target, release: Release, step: Step, verdict: Verdict, change: Change) -> None:
    """Act on the decision; a promotion that fails leaves the canary held."""
    _refuse_if_taken_over(target, release)
    change.data |= {"decision": str(step), "outcome_of_canary": str(verdict.outcome), "reasons": reasons(verdict)}
    stable = target.engine.status().release_in(Slot.STABLE)
    assert stable is not None
    if step is Step.PROMOTE:
        finish(target, release)
        change.type = UPGRADED
    elif step is Step.ROLL_BACK:
        why = "; ".join(reasons(verdict))
        carry_out(target, Plan(leave=release, back_to=stable, slot=Slot.STABLE, warm=True), f"canary: {why}")
        change.type = ROLLED_BACK
    else:
        hold(target, _entry(target), "; ".join(reasons(verdict)) or "the deadline passed undecided")
        change.type = FINISHED


def _refuse_if_taken_over(target: Target, release: Release) -> None:
    """Raise GateRefused unless the journal is about the canary that this process watches: a rollback waits for nobody."""
    entry = target.journal.read()
    if entry is None or entry.held or entry.kind != "canary" or not entry.ours:
        raise TakenOver(
            f"another command took {release.name} back while it was watched", "invoke audit says whose", rule="canary"
        ) from None


def _entry(target: Target) -> Entry:
    entry = target.journal.read()
    assert entry is not None, "begin() wrote one"
    return entry
