"""Watch a canary: the controller's sign of life, the counters of all slots once a second, and what comes next."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from threading import Event, Thread
from types import TracebackType

from rich.live import Live
from rich.text import Text

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.settings.errors import OutsideError
from infra.rollout.target import Target
from validation.canary.gate import Look, judge, thinned
from validation.canary.blocks import total

BLIND_SECONDS = 10.0
STALE_SECONDS = 7.0
"""Longer than the question that a controller waits for longest: a replica that hangs is no controller that does."""
BEAT_SECONDS = 0.2
LAPSE_SECONDS = 1.25
"""A longer silence may have taken the canary out: a beat counts for 1 s, and the second failing check is 250 ms later."""
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine is suspended."""


class Step(StrEnum):
    """The four things that a canary can do next."""

    WATCH = "watch"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    HOLD = "hold"


def next_step(verdict: Verdict, elapsed: float, deadline: float) -> Step:
    """Fail rolls back at once; pass promotes; what cannot be known is watched on, and held at the deadline (seconds)."""
    if verdict.outcome is Outcome.FAIL:
        return Step.ROLL_BACK
    if verdict.outcome is Outcome.PASS:
        return Step.PROMOTE
    return Step.HOLD if elapsed >= deadline else Step.WATCH


def now() -> float:
    """Return seconds that no clock moves, those that the machine was suspended included."""
    return time.clock_gettime(CLOCK)


class Heartbeat:
    """Beats several times a second for as long as `beat` was called of late; never again once its process is dead.

    The proxy takes the canary out when it stops. A controller that hangs falls silent as one that was killed or suspended.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        """Beats are sent by `send`; one that fails (the proxy is started again just now) is left out."""
        self._send = send
        self._ended = Event()
        self._thread = Thread(target=self._go, daemon=True)
        self._last = 0.0
        self._sent = now()
        self._broken = False

    @property
    def fresh(self) -> bool:
        """Whether the controller was alive just now."""
        return time.monotonic() - self._last < STALE_SECONDS

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._last = time.monotonic()

    def lapsed(self) -> bool:
        """Say whether the proxy may have thought the controller dead at any time since this was last asked.

        It is asked before figures are judged: while the controller slept, the canary got no traffic.
        """
        late = now() - self._sent > LAPSE_SECONDS
        found, self._broken = late or self._broken, False
        return found

    def _go(self) -> None:
        while not self._ended.is_set():
            if self.fresh:
                with contextlib.suppress(OutsideError):
                    self._send()
                    before, self._sent = self._sent, now()
                    self._broken = self._broken or self._sent - before > LAPSE_SECONDS
            self._ended.wait(BEAT_SECONDS)

    def __enter__(self) -> Heartbeat:
        self.beat()
        self._sent = now()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()


class Watch:
    """The growing history of one canary. While it is open, the heartbeat beats with every look."""

    def __init__(
        self, target: Target, release: Release, stable: Release, heartbeat: Heartbeat, *,
        made_up: bool = False, weighed: bool = True,
    ) -> None:  # fmt: skip
        """Begin an empty history. `made_up`: the rows asked are synthetic; `weighed`: a proxy gives the share asked for."""
        self._target, self._release, self._stable, self._heartbeat = target, release, stable, heartbeat
        self._made_up, self._share = made_up, target.environment.canary_share if weighed else None
        self._history: list[Look] = []
        self._begun = self._seen = self._answered = self._asked = time.monotonic()
        self._restarts = 0.0
        self._live = Live(console=target.console, refresh_per_second=4, transient=True)

    def look(self) -> Verdict:
        """Read the slots and judge all that was seen so far."""
        self._read()
        verdict = judge(
            self._history,
            gate=self._target.settings.gates.canary,
            share=self._share,
            release=self._release.digest,
            stable_release=self._stable.digest,
            made_up=self._made_up,
        )
        return self._with_silence(verdict)

    def _read(self) -> None:
        """Add a look to the history, or begin it again where the controller slept: nothing is judged of that time.

        A slot that is restarted gives no figures for a moment: that look is left out, for at most BLIND_SECONDS.
        """
        self._asked = time.monotonic()
        if self._heartbeat.lapsed():
            self._begin_again()
        try:
            stable, baseline = self._metrics(Slot.STABLE), self._metrics(Slot.BASELINE)
        except OutsideError:
            if self._asked - self._seen > BLIND_SECONDS:
                raise
            self._count_restarts()
            return
        canary: SlotMetrics | None = None
        with contextlib.suppress(OutsideError):  # none of its replicas answers
            canary = self._metrics(Slot.CANARY)
            if not canary.silent:
                self._answered, self._restarts = time.monotonic(), canary.restarts
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
        self._seen = self._answered = self._asked = time.monotonic()

    def _metrics(self, slot: Slot) -> SlotMetrics:
        """The controller lives, however long the answer takes."""
        self._heartbeat.beat()
        return self._target.engine.metrics(slot)

    def _with_silence(self, verdict: Verdict) -> Verdict:
        """A canary that accepts requests and answers nothing fails `errors`: it has no figures that could be judged.

        One of which a replica ended since all of them answered is started again, and needs its time. It was silent up to when
        it was asked: the controller may have slept since, and the heartbeat tells of that only at the next look.
        """
        quiet = self._asked - self._answered
        if quiet <= BLIND_SECONDS:
            return verdict
        if quiet <= self._target.environment.ready_seconds and self._counted_restarts() > self._restarts:
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
