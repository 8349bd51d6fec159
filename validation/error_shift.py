"""How much larger the canary's share of errors is than stable's, with evidence that may be looked at at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

from validation.observation import Block, Increment
from validation.sequential import Counts, hedged, log_e_shares, log_mean_exp, sums

PRIOR_SHARE = 0.001
RECENT_BLOCKS = 24
BURST_SHARE = 0.02
"""A block counts in what is expected with at most this share of errors above three times the median block's."""
SMALLEST_LIMIT = 0.002
"""A tolerance of zero is tested by alternatives of this size and up."""
STEP = 2.5
"""Alternatives are twice the tolerance and more, each this many times the one before: no share is far from one of them."""


@dataclass(frozen=True)
class ErrorShift:
    """Error shares and the log evidence against three statements about them."""

    canary: float
    stable: float
    not_above: float
    """Against 'the canary fails no more often than stable'."""
    within: float
    """Against 'the excess is within the tolerance'."""
    harmful: float
    """Against 'the excess is at least the tolerance'."""

    @property
    def excess(self) -> float:
        """How much larger the canary's share is."""
        return self.canary - self.stable


def error_shift(blocks: Sequence[Block], limit: float) -> ErrorShift:
    """Weigh the errors of all blocks against a tolerance of `limit` (a difference of shares)."""
    tolerance = max(limit, SMALLEST_LIMIT)
    rows = [_weigh(_counts(block), expected, tolerance) for block, expected in zip(blocks, _expected(blocks))]
    excesses = excess_grid(tolerance)
    added = sums(rows) if rows else [0.0] * (2 * len(excesses) + 1)
    return ErrorShift(
        canary=_share([block.canary for block in blocks]),
        stable=_share([block.stable for block in blocks]),
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


def _counts(block: Block) -> Counts:
    return Counts(block.canary.errors, block.canary.requests, block.stable.errors, block.stable.requests)


@lru_cache(maxsize=4096)
def _weigh(counts: Counts, expected: tuple[float, float], tolerance: float) -> tuple[float, ...]:
    """Return the log e-variables of a block: each excess against equality and the tolerance, then none against harm."""
    excesses = excess_grid(tolerance)
    equal = [hedged(*(_above(counts, share, excess, 0.0) for share in expected)) for excess in excesses]
    within = [hedged(*(_above(counts, share, excess, tolerance) for share in expected)) for excess in excesses]
    harmful = hedged(*(log_e_shares(counts, share, share, tolerance) for share in expected))
    return (*equal, *within, harmful)


def _above(counts: Counts, stable: float, excess: float, margin: float) -> float:
    """Where stable fails nearly always, no share lies beyond the margin: such an alternative bets nothing."""
    canary = min(stable + excess, (1 + stable) / 2)
    return log_e_shares(counts, canary, stable, margin) if canary - stable > margin else 0.0


def _expected(blocks: Sequence[Block]) -> list[tuple[float, float]]:
    """Return stable's error share as known before each block: the usual one of the last minutes, and that of the block before.

    The second is for bursts: they are over before they are usual. No block has a say in what is expected of itself.
    """
    shares: list[float] = []
    known = []
    for block in blocks:
        recent = shares[-RECENT_BLOCKS:]
        highest = 3 * median(recent) + BURST_SHARE if recent else 0.0
        usual = fmean([PRIOR_SHARE, *(min(share, highest) for share in recent)])
        known.append((usual, (usual + shares[-1]) / 2 if shares else usual))
        shares.append(block.stable.error_share if block.stable.requests else usual)
    return known


def _share(increments: Sequence[Increment]) -> float:
    trials = sum(part.requests for part in increments)
    return sum(part.errors for part in increments) / trials if trials else 0.0
