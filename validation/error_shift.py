"""How much larger the canary's share of errors is than stable's, with evidence that may be looked at at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.observation import Block, Increment
from validation.sequential import Counts, hedged, log_e_shares, log_mean_exp, sums

PRIOR_SHARE = 0.001
PRIOR_TRIALS = 200.0
MEMORY = 0.95
"""Weight of what is known of stable's share after one more block: a burst is forgotten within some minutes."""
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
    rows = [_weigh(block, stable, tolerance) for block, stable in zip(blocks, _expected(blocks))]
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


def _weigh(block: Block, stable: float, tolerance: float) -> list[float]:
    counts = Counts(block.canary.errors, block.canary.requests, block.stable.errors, block.stable.requests)
    likely = [min(stable + excess, (1 + stable) / 2) for excess in excess_grid(tolerance)]
    equal = [hedged(log_e_shares(counts, canary, stable, None)) for canary in likely]
    within = [hedged(log_e_shares(counts, canary, stable, tolerance)) for canary in likely]
    return [*equal, *within, hedged(log_e_shares(counts, stable, stable, tolerance))]


def _expected(blocks: Sequence[Block]) -> list[float]:
    """Return stable's share as known before each block, with a weak prior: no block chooses its own alternatives."""
    errors, trials, known = PRIOR_SHARE * PRIOR_TRIALS, PRIOR_TRIALS, []
    for block in blocks:
        known.append(errors / trials)
        errors, trials = MEMORY * errors + block.stable.errors, MEMORY * trials + block.stable.requests
        errors, trials = errors + (1 - MEMORY) * PRIOR_SHARE * PRIOR_TRIALS, trials + (1 - MEMORY) * PRIOR_TRIALS
    return known


def _share(increments: Sequence[Increment]) -> float:
    trials = sum(part.requests for part in increments)
    return sum(part.errors for part in increments) / trials if trials else 0.0
