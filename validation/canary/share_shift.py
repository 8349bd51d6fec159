"""How much larger a share is in the canary than in stable, with evidence that may be looked at at any time: of errors, of
refusals, of answers that take long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

from gateline.contracts.verdict import Outcome
from validation.canary.observation import Block, Increment
from validation.canary.sequential import (
    PASS_ALPHA,
    WITHIN_ALPHA,
    Counts,
    hedged,
    log_e_shares,
    log_mean_exp,
    reached,
    sums,
)

PRIOR_SHARE = 0.001
RECENT_BLOCKS = 24
BURST_SHARE = 0.02
"""A block counts in what is expected with at most this share of hits above three times the median block's."""
SMALLEST_LIMIT = 0.002
"""A tolerance of zero is tested by alternatives of this size and up."""
STEP = 2.5
"""Alternatives are twice the tolerance and more, each this many times the one before: no share is far from one of them."""


@dataclass(frozen=True)
class Shift:
    """The shares of hits and the log evidence against three statements about them."""

    canary: float
    stable: float
    not_above: float
    """Against 'the canary's share is not above stable's'."""
    within: float
    """Against 'the excess is within the tolerance'."""
    harmful: float
    """Against 'the excess is at least the tolerance'."""

    @property
    def excess(self) -> float:
        """How much larger the canary's share is."""
        return self.canary - self.stable

    def outcome(self, alpha: float) -> Outcome:
        """Fail where the excess is beyond the tolerance, to a false alarm of `alpha`; pass where it is not; else unknown."""
        if reached(self.not_above, alpha) and reached(self.within, WITHIN_ALPHA):
            return Outcome.FAIL
        return Outcome.PASS if reached(self.harmful, PASS_ALPHA) else Outcome.INCONCLUSIVE


def error_shift(blocks: Sequence[Block], limit: float) -> Shift:
    """Weigh the errors of all blocks against a tolerance of `limit` (a difference of shares)."""
    return shift_of([_counts(block, lambda part: part.errors) for block in blocks], limit)


def refusal_shift(blocks: Sequence[Block], limit: float) -> Shift | None:
    """Weigh errors and 4xx answers together; None where nothing was refused.

    What clients get wrong, both slots refuse: it is the excess that counts. To rule out one of `limit` among many refusals
    would take hours, so that `harmful` speaks of an excess as large as stable's own share where that is larger.
    """
    if not any(part.refused for block in blocks for part in (block.canary, block.stable)):
        return None
    counts = [_counts(block, lambda part: part.errors + part.refused) for block in blocks]
    tolerance = limit
    while tolerance < _share(sum(one.stable_hits for one in counts), sum(one.stable_trials for one in counts)):
        tolerance = min(2 * max(tolerance, SMALLEST_LIMIT), 1.0)
    return shift_of(counts, limit, harm=tolerance)


def shift_of(counts: Sequence[Counts], limit: float, harm: float | None = None) -> Shift:
    """Weigh blocks of hits and trials against a tolerance of `limit`; `harm` is that of the last statement if it differs."""
    tolerance, excluded = (max(one, SMALLEST_LIMIT) for one in (limit, limit if harm is None else harm))
    rows = [_weigh(one, expected, tolerance, excluded) for one, expected in zip(counts, _expected(counts))]
    excesses = excess_grid(tolerance)
    added = sums(rows) if rows else [0.0] * (2 * len(excesses) + 1)
    return Shift(
        canary=_share(sum(one.canary_hits for one in counts), sum(one.canary_trials for one in counts)),
        stable=_share(sum(one.stable_hits for one in counts), sum(one.stable_trials for one in counts)),
        not_above=log_mean_exp(added[: len(excesses)]),
        within=log_mean_exp(added[len(excesses) : -1]),
        harmful=added[-1],
    )


def excess_grid(tolerance: float) -> list[float]:
    """Return the excesses that are looked for."""
    found = [2 * tolerance]
    while found[-1] * STEP < 1.0:
        found.append(found[-1] * STEP)
    return found


def _counts(block: Block, hits: Callable[[Increment], float]) -> Counts:
    canary, stable = block.canary, block.stable
    return Counts(
        min(hits(canary), canary.requests), canary.requests, min(hits(stable), stable.requests), stable.requests
    )


@lru_cache(maxsize=4096)
def _weigh(counts: Counts, expected: tuple[float, float], tolerance: float, harm: float) -> tuple[float, ...]:
    """Return the log e-variables of a block: each excess against equality and the tolerance, then none against harm."""
    excesses = excess_grid(tolerance)
    equal = [hedged(*(_above(counts, share, excess, 0.0) for share in expected)) for excess in excesses]
    within = [hedged(*(_above(counts, share, excess, tolerance) for share in expected)) for excess in excesses]
    harmful = hedged(*(_none(counts, share, harm) for share in expected))
    return (*equal, *within, harmful)


def _above(counts: Counts, stable: float, excess: float, margin: float) -> float:
    """Where stable hits nearly always, no share lies beyond the margin: such an alternative bets nothing."""
    canary = min(stable + excess, (1 + stable) / 2)
    return log_e_shares(counts, canary, stable, margin) if canary - stable > margin else 0.0


def _none(counts: Counts, share: float, harm: float) -> float:
    """Where no share lies `harm` above stable's, there is nothing to bet against."""
    return log_e_shares(counts, share, share, harm) if share + harm < 1.0 else 0.0


def _expected(blocks: Sequence[Counts]) -> list[tuple[float, float]]:
    """Return stable's share as known before each block: the usual one of the last minutes, and that of the block before.

    The second is for bursts: they are over before they are usual. No block has a say in what is expected of itself.
    """
    shares: list[float] = []
    known = []
    for block in blocks:
        recent = shares[-RECENT_BLOCKS:]
        highest = 3 * median(recent) + BURST_SHARE if recent else 0.0
        usual = fmean([PRIOR_SHARE, *(min(share, highest) for share in recent)])
        known.append((usual, (usual + shares[-1]) / 2 if shares else usual))
        shares.append(_share(block.stable_hits, block.stable_trials) if block.stable_trials else usual)
    return known


def _share(hits: float, trials: float) -> float:
    return hits / trials if trials else 0.0
