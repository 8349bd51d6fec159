"""Canary: a tenth of real traffic, judged live against stable; then promoted, rolled back or held."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.event import ROLLED_BACK, UPGRADED
from gateline.contracts.release import ARTIFACT_FOLDER, Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Verdict
from gateline.settings.errors import GateRefused, UsageError, first_line
from infra.engines.contract import Running
from infra.rollout.admission import admit
from infra.rollout.last_change import Wish, end_now, keep_last_change
from infra.rollout.notify import notify
from infra.rollout.phases import begin, bring_up, settle, smoke, soak, switch, to_stable
from infra.rollout.recorder import Change
from infra.rollout.recovery import hold, recover, undo
from infra.rollout.rollback import Plan, carry_out
from infra.rollout.target import Target
from infra.rollout.traffic import synthetic
from infra.rollout.watch import Heartbeat, Step, Watch, next_step
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


class TakenOver(GateRefused):
    """Another command, which tells of it itself, ended the canary while it was watched."""


def canary(
    target: Target, release: Release, options: CanaryOptions, wish: Wish | None = None, running: Running | None = None
) -> Ended | None:
    """Run `release` alongside stable and decide; None where it is stable already, or was promoted since `wish` was looked at.

    `running` is what `recover` returned, where the caller has called it. Every path out ends with 100 % of traffic on one
    release; interrupted, the canary is held.
    """
    target.refuse_from_laptop(options.from_laptop)
    target.refuse_a_registry_that_ends()
    wish = wish or Wish.of(target)
    running = running or recover(target).running
    stable, waiting = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
    if options.resume and waiting is None:
        if wish.promoted_since(target, running):
            return None
        raise UsageError(f"no canary is held in {target.name}", f"invoke canary --env={target.name}")
    if waiting is not None and not options.resume:
        raise GateRefused(
            f"{waiting.name} is held as a canary here",
            f"invoke canary --env={target.name} --resume, or promote, or rollback, with the same --env",
        )
    release = waiting or release
    if stable is None:
        raise UsageError(f"no champion serves in {target.name}", f"invoke deploy --env={target.name}")
    if stable.digest == release.digest:
        return None
    return _judged(target, release, stable, running, options)


def _judged(target: Target, release: Release, stable: Release, running: Running, options: CanaryOptions) -> Ended:
    """Let the release in, watch it and act on what was seen; record it all, and tell people."""
    held = target.journal.read()
    lift = options.lift_quarantine or (options.resume and held is not None and held.lifts)
    known = options.by_digest or options.resume
    admitted = admit(target, release, running, unjudged=options.unjudged, lift_quarantine=lift, by_digest=known)
    facts = {"release": release.model_dump(mode="json"), "stable": stable.digest, "verdicts": admitted.verdicts}
    recorded = facts | vars(options) | {"rehearsal": target.rehearsal}
    try:
        with target.recorder.change("canary", release.digest, **recorded) as change:
            begin(target, "canary", release, lifts=admitted.lifts)
            verdict = _start_and_watch(target, release, stable, f"{running.url}/predict", options)
            step = next_step(verdict, 1.0, 0.0)
            _conclude(target, release, stable, step, verdict, change)
    except TakenOver:
        raise
    except BaseException as failure:  # held, or stopped before it got traffic
        entry = target.journal.read()
        event = f"canary {Step.HOLD}" if entry is not None and entry.held else "canary failed"
        notify(target.settings.notify, event, target.name, facts | {"reasons": [_why(failure)]}, target.say)
        raise
    notify(target.settings.notify, f"canary {step}", target.name, facts | {"reasons": reasons(verdict)}, target.say)
    if step is not Step.HOLD:
        end_now(target)
    return Ended(step, release, verdict)


def _why(failure: BaseException) -> str:
    return "interrupted" if isinstance(failure, KeyboardInterrupt) else first_line(failure)


def reasons(verdict: Verdict) -> list[str]:
    """Return why a verdict is no pass."""
    return [rule.reason for rule in verdict.failed] or [f"not judged: {name}" for name in verdict.not_judged]


def _start_and_watch(target: Target, release: Release, stable: Release, url: str, options: CanaryOptions) -> Verdict:
    """Bring the canary up (it is up already when resumed) and watch it until it is decided.

    With it starts a baseline: fresh replicas of stable, each of which will get as much traffic as the canary.
    """
    try:
        target.engine.start(Slot.BASELINE, stable, baseline_replicas(target.environment.canary_share))
        bring_up(target, Slot.CANARY, release, 1)
        target.engine.wait_ready(Slot.BASELINE, target.environment.ready_seconds)
    except BaseException:
        undo(target, "canary")
        raise
    try:
        return _watched(target, release, stable, url, options)
    except BaseException as failure:
        why = _why(failure)
        _refuse_if_taken_over(target, release)
        held = hold(target, target.journal.entry(), why)
        target.say(f"{why}: {held}; go on: invoke canary --env={target.name} --resume")
        raise


def baseline_replicas(canary: float) -> int:
    """Return two, so that the baseline scatters less than the canary; one where stable would get too little."""
    return 2 if 4 * canary <= 1.0 else 1


def shares(canary: float) -> dict[Slot, float]:
    """Return the share of each slot: a baseline replica gets as much as the canary, unless stable would get less than it."""
    replicas = baseline_replicas(canary)
    baseline = replicas * min(canary, (1.0 - canary) / (1 + replicas))
    return {Slot.CANARY: canary, Slot.BASELINE: baseline, Slot.STABLE: 1.0 - canary - baseline}


def _watched(target: Target, release: Release, stable: Release, url: str, options: CanaryOptions) -> Verdict:
    """Send the canary its share of traffic, and look until what was seen decides, or the deadline has passed."""
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
        sharing = target.engine.status().sharing
        if sharing:
            target.say(sharing)
        if is_synthetic:  # clients send what stable takes: a canary with a changed schema must answer that
            asked = target.bundle(stable) / ARTIFACT_FOLDER
            stack.enter_context(synthetic(url, rate, seconds + 60, "pipeline.toml", Path("."), asked, target.engine.secrets))
        target.journal.phase("watch")
        begun = time.monotonic()
        watch = stack.enter_context(Watch(
            target, release, stable, heartbeat, made_up=is_synthetic, weighed=not sharing,
        ))  # fmt: skip
        while True:
            verdict = watch.look()
            elapsed = time.monotonic() - begun
            if next_step(verdict, elapsed, seconds) is not Step.WATCH:
                break
            watch.show(verdict, elapsed, seconds)
            time.sleep(LOOK_SECONDS - (time.monotonic() - begun) % LOOK_SECONDS)
    return verdict.model_copy(update={"notes": (*verdict.notes, MADE_UP)}) if is_synthetic else verdict


def _rate(target: Target) -> float:
    """Return the requests a second that stable answers now."""
    before = target.engine.metrics(Slot.STABLE).requests
    time.sleep(COUNT_SECONDS)
    return max(0.0, target.engine.metrics(Slot.STABLE).requests - before) / COUNT_SECONDS


def _conclude(
    target: Target, release: Release, stable: Release, step: Step, verdict: Verdict, change: Change
) -> None:
    """Act on the decision; a promotion that fails leaves the canary held."""
    _refuse_if_taken_over(target, release)
    why = reasons(verdict)
    change.data |= {"decision": str(step), "outcome_of_canary": str(verdict.outcome), "reasons": why}
    if step is Step.PROMOTE:
        _finish(target, release, stable)
        change.type = UPGRADED
    elif step is Step.ROLL_BACK:
        plan = Plan(leave=release, back_to=stable, slot=Slot.STABLE, warm=True)
        carry_out(target, plan, f"canary: {'; '.join(why)}")
        change.type = ROLLED_BACK
    else:
        hold(target, target.journal.entry(), "; ".join(why) or "the deadline passed undecided")


def _refuse_if_taken_over(target: Target, release: Release) -> None:
    """Raise GateRefused unless the journal is about the canary that this process watches: a rollback waits for nobody."""
    entry = target.journal.read()
    if entry is None or entry.held or entry.kind != "canary" or not entry.ours:
        raise TakenOver(
            f"another command took {release.name} back while it was watched", "invoke audit says whose", rule="canary"
        ) from None


def promote(target: Target, *, from_laptop: bool = False, wish: Wish | None = None) -> Release | None:
    """Finish a held canary by hand; return None where somebody else has promoted it since `wish` was looked at.

    Raises UsageError where there is none.
    """
    target.refuse_from_laptop(from_laptop)
    target.refuse_a_registry_that_ends()
    wish = wish or Wish.of(target)
    running = recover(target).running
    release = running.release_in(Slot.CANARY)
    if release is None and wish.promoted_since(target, running):
        return None
    if release is None:
        raise UsageError(
            f"no canary is running or held in {target.name}", f"start one: invoke canary --env={target.name}"
        )
    facts: dict[str, Any] = {
        "release": release.model_dump(mode="json"),
        "from_laptop": from_laptop,
        "by_hand": True,
        "rehearsal": target.rehearsal,
    }
    with target.recorder.change("promote", release.digest, **facts) as change:
        _finish(target, release, running.release_in(Slot.STABLE))
        change.type = UPGRADED
    notify(target.settings.notify, "promote", target.name, facts | {"reason": "by hand"}, target.say)
    end_now(target)
    return release


def _finish(target: Target, release: Release, stable: Release | None) -> None:
    """Take the canary to all traffic and to stable; on a failure it is held again and stable serves."""
    held = target.journal.read()
    begin(target, "promote", release, lifts=held is not None and held.lifts)
    try:
        target.journal.phase("scale")
        to_stable(target)  # alone while the canary grows: a command killed here leaves nothing to fix
        target.engine.guard(Slot.CANARY, False)
        target.engine.start(Slot.CANARY, release, target.environment.replicas)
        target.engine.wait_ready(Slot.CANARY, target.environment.ready_seconds)
        smoke(target, Slot.CANARY)
        moved = switch(target, Slot.CANARY)
        soak(target, Slot.CANARY, release, target.environment.soak_seconds)
        settle(target)
    except BaseException as failure:
        hold(target, target.journal.entry(), f"promotion failed: {first_line(failure)}")
        raise
    keep_last_change(target, "promote", stable.digest if stable else "", release.digest, moved)
    target.journal.clear()
