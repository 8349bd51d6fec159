"""Histories of canaries with exact counts, for tests of one rule at a time."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.replays import BOUNDS, CANARY, STABLE
from gateline.contracts.slots import SlotMetrics
from gateline.contracts.verdict import Rule, Verdict
from gateline.settings import CanaryGate
from validation.canary.gate import Look, judge


@dataclass(frozen=True)
class Steady:
    """What one slot counts every second."""

    requests: float = 5.0
    errors: float = 0.0
    seconds: float = 0.010
    """Latency of every request."""
    positives: float = 0.3
    """Share of the predictions."""
    proxied: float | None = None
    proxy_errors: float = 0.0
    releases: frozenset[str] = frozenset({CANARY})
    restarts: float = 0.0
    """In all, from the first second on."""
    refused: float = 0.0
    memory: float = 150e6
    """Bytes from the first second on; 0 where the slot does not say."""
    leak: float = 0.0
    """Bytes that it grows by each second."""
    slow: float = 0.0
    """Share of the requests that take two seconds."""

    def after(self, seconds: float) -> SlotMetrics:
        """Return the counters after so many seconds."""
        answered = self.requests * seconds
        quick = answered * (1 - self.slow)
        return SlotMetrics(
            releases=self.releases,
            requests=answered,
            errors=self.errors * seconds,
            latency_sum=quick * self.seconds + (answered - quick) * 2.0,
            latency_buckets={b: (quick if self.seconds <= b else 0.0) + (answered - quick) * (b >= 2.0) for b in BOUNDS},
            predictions={"0": answered * (1 - self.positives), "1": answered * self.positives},
            proxied=answered if self.proxied is None else self.proxied * seconds,
            proxy_errors=self.proxy_errors * seconds,
            restarts=self.restarts if seconds else 0.0,
            refused=self.refused * seconds,
            memory=self.memory + self.leak * seconds,
            processes=1.0 if self.memory else 0.0,
        )


CANARY_SLOT = Steady()
STABLE_SLOT = Steady(requests=45.0, releases=frozenset({STABLE}))


def steady(seconds: int, canary: Steady = CANARY_SLOT, stable: Steady = STABLE_SLOT) -> list[Look]:
    """Return one look a second over so many seconds."""
    return [Look(float(at), canary.after(at), stable.after(at)) for at in range(seconds + 1)]


def verdict_on(history: list[Look], gate: CanaryGate | None = None, share: float = 0.1) -> Verdict:
    """Judge a history with the default gate and digests."""
    return judge(history, gate=gate or CanaryGate(), share=share, release=CANARY, stable_release=STABLE)


def rule_on(name: str, history: list[Look], gate: CanaryGate | None = None) -> Rule:
    """Return one rule of the verdict."""
    return {rule.name: rule for rule in verdict_on(history, gate).rules}[name]


def then(first: list[Look], second: list[Look]) -> list[Look]:
    """Return a history that goes on with another: its counters grow from where the first ended."""
    last = first[-1]
    grown = [
        Look(last.seconds + look.seconds, last.canary.plus(look.canary), last.stable.plus(look.stable))
        for look in second[1:]
    ]
    return [*first, *grown]
