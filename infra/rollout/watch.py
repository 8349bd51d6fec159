"""Look at a canary once a second: counters of both slots, the verdict so far, one line for the user."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType

from rich.live import Live
from rich.text import Text

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.settings.errors import OutsideError
from infra.rollout.heartbeat import Heartbeat
from infra.rollout.target import Target
from validation.canary.gate import Look, judge, thinned
from validation.canary.observation import total

BLIND_SECONDS = 10.0


class Watch:
    """The growing history of one canary. While it is open, the heartbeat beats with every look."""

    def __init__(self, target: Target, release: Release, heartbeat: Heartbeat, *, made_up: bool = False) -> None:
        """Begin an empty history. `made_up`: the rows that are asked are synthetic."""
        stable = target.engine.status().release_in(Slot.STABLE)
        assert stable is not None
        self._target, self._release, self._stable, self._heartbeat = target, release, stable, heartbeat
        self._made_up = made_up
        self._history: list[Look] = []
        self._begun = self._seen = self._answered = time.monotonic()
        self._restarts = 0.0
        self._live = Live(console=target.console, refresh_per_second=4, transient=True)

    def look(self) -> Verdict:
        """Read the slots and judge all that was seen so far."""
        self._read()
        verdict = judge(
            self._history,
            gate=self._target.settings.gates.canary,
            share=self._target.environment.canary_share,
            release=self._release.digest,
            stable_release=self._stable.digest,
            made_up=self._made_up,
        )
        return self._with_silence(verdict)

    def _read(self) -> None:
        """Add a look to the history, or begin it again where the controller slept: nothing is judged of that time.

        A slot that is restarted gives no figures for a moment: that look is left out, for at most BLIND_SECONDS.
        """
        if self._heartbeat.lapsed():
            self._begin_again()
        try:
            stable, baseline = self._metrics(Slot.STABLE), self._metrics(Slot.BASELINE)
        except OutsideError:
            if time.monotonic() - self._seen > BLIND_SECONDS:
                raise
            self._count_restarts()
            return
        canary = self._canary()
        if self._heartbeat.lapsed():
            self._begin_again()
            return
        self._seen = time.monotonic()
        if canary is None:
            self._count_restarts()
            return
        look = Look(self._seen - self._begun, canary, stable.plus(baseline), baseline)
        self._history = thinned([*self._history, look])

    def _begin_again(self) -> None:
        """While the controller slept, the proxy gave the canary nothing, and stable all."""
        if self._history:
            self._target.say("the watch was interrupted: what happened meanwhile is not judged, and it begins again")
        self._history = []
        self._seen = self._answered = time.monotonic()

    def _metrics(self, slot: Slot) -> SlotMetrics:
        """The controller lives, however long the answer takes."""
        self._heartbeat.beat()
        return self._target.engine.metrics(slot)

    def _canary(self) -> SlotMetrics | None:
        """Return the canary's figures, or None where none of its replicas answers; note when all of them did."""
        try:
            canary = self._metrics(Slot.CANARY)
        except OutsideError:
            return None
        if not canary.silent:
            self._answered, self._restarts = time.monotonic(), canary.restarts
        return canary

    def _with_silence(self, verdict: Verdict) -> Verdict:
        """A canary that accepts requests and answers nothing fails `errors`: it has no figures that could be judged."""
        quiet = time.monotonic() - self._answered
        if quiet <= BLIND_SECONDS or (self._was_restarted() and quiet <= self._target.environment.ready_seconds):
            return verdict
        rule = Rule(
            name="errors",
            outcome=Outcome.FAIL,
            required=True,
            reason=f"a replica of the canary has answered nothing for {quiet:.0f} s, while stable answers",
            next_step="read the canary's log: invoke status --logs",
            observed=round(quiet, 1),
            limit=BLIND_SECONDS,
            unit="seconds",
        )
        rules = (rule, *(other for other in verdict.rules if other.name != rule.name))
        return Verdict.of(
            verdict.stage, rules, judged=verdict.judged, metrics=verdict.metrics, plots=verdict.plots, notes=verdict.notes
        )

    def _was_restarted(self) -> bool:
        """Say whether a replica ended since all of them answered: one that is started again needs its time."""
        return self._counted_restarts() > self._restarts

    def _count_restarts(self) -> None:
        """A canary that crashes as soon as it is started never gives figures; the engine knows of it."""
        if self._history:
            last = self._history[-1]
            self._history[-1] = replace(last, canary=replace(last.canary, restarts=self._counted_restarts()))

    def _counted_restarts(self) -> float:
        canary = self._target.engine.status().slots.get(Slot.CANARY)
        return float(sum(replica.restarts for replica in canary.replicas)) if canary is not None else 0.0

    def show(self, verdict: Verdict, elapsed: float, deadline: float) -> None:
        """Show where the canary stands, and how long it may still take."""
        seen = total(self._history).canary
        waiting = ", ".join(verdict.not_judged) or "nothing"
        self._live.update(
            Text(
                f"  canary {self._release.name}: {seen.requests:.0f} requests, {seen.errors:.0f} errors; "
                f"still open: {waiting}; {elapsed:.0f} s of at most {deadline:.0f} s"
            )
        )

    def __enter__(self) -> Watch:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
