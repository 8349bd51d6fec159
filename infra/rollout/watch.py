"""Look at a canary once a second: counters of both slots, the verdict so far, one line for the user."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType

from rich.live import Live
from rich.text import Text

from contracts.release import Release
from contracts.slots import Slot
from contracts.verdict import Verdict
from infra.rollout.heartbeat import Heartbeat
from infra.rollout.target import Target
from settings.errors import OutsideError
from validation.canary import Look, judge, thinned
from validation.observation import total

BLIND_SECONDS = 10.0


class Watch:
    """The growing history of one canary. While it is open, the heartbeat beats with every look."""

    def __init__(self, target: Target, release: Release, heartbeat: Heartbeat) -> None:
        """Begin an empty history."""
        stable = target.engine.status().release_in(Slot.STABLE)
        assert stable is not None
        self._target, self._release, self._stable, self._heartbeat = target, release, stable, heartbeat
        self._history: list[Look] = []
        self._begun = self._seen = time.monotonic()
        self._live = Live(console=target.console, refresh_per_second=4, transient=True)

    def look(self) -> Verdict:
        """Read the slots and judge all that was seen so far."""
        self._heartbeat.beat()
        self._read()
        return judge(
            self._history,
            gate=self._target.settings.gates.canary,
            share=self._target.environment.canary_share,
            release=self._release.digest,
            stable_release=self._stable.digest,
        )

    def _read(self) -> None:
        """A replica that is restarted gives no figures for a moment: that look is left out, for at most BLIND_SECONDS."""
        engine = self._target.engine
        try:
            canary, stable, baseline = map(engine.metrics, (Slot.CANARY, Slot.STABLE, Slot.BASELINE))
        except OutsideError:
            if time.monotonic() - self._seen > BLIND_SECONDS:
                raise
            self._count_restarts()
            return
        self._seen = time.monotonic()
        look = Look(self._seen - self._begun, canary, stable.plus(baseline), baseline)
        self._history = thinned([*self._history, look])

    def _count_restarts(self) -> None:
        """A canary that crashes as soon as it is started never gives figures; the engine knows of it."""
        canary = self._target.engine.status().slots.get(Slot.CANARY)
        if canary is not None and self._history:
            last, restarts = self._history[-1], sum(replica.restarts for replica in canary.replicas)
            self._history[-1] = replace(last, canary=replace(last.canary, restarts=float(restarts)))

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
