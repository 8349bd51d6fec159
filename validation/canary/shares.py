"""How much larger a share is in the canary than in stable, with evidence that may be looked at at any time: of errors, of
refusals, of answers that take long; and whether the canary gets the share of traffic that it should."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from statistics import fmean, median

from gateline.contracts.verdict import Outcome
from validation.canary.blocks import Block, Increment, warm
from validation.canary.sequential import (
    PASS_ALPHA, WITHIN_ALPHA, Counts, hedged, log_e_share_is, log_e_shares, log_mean_exp, reached, sums,
)  # fmt: skip

PRIOR_SHARE = 0.001
RECENT_BLOCKS = 24
BURST_SHARE = 0.02
"""A block counts in what is expected with at most this share of hits above three times the median block's."""
SMALLEST_LIMIT = 0.002
"""A tolerance of zero is tested by alternatives of this size and up."""
STEP = 2.5
"""Alternatives are twice the tolerance and more, each this many times the one before: no share is far from one of them."""
SLOWEST = 0.01
"""Stable's p99 leaves this share above it."""
FEWEST_ANSWERS = 100
"""Fewer answers of stable's have no 99th percentile."""
SPLIT_TOLERANCE = 0.2
"""How far the share of traffic may lie from the intended one, relative to it: 0.08 to 0.12 is a split of 0.1."""


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
        return self.canary - self.stable

    def outcome(self, alpha: float) -> Outcome:
        """Fail where the excess is beyond the tolerance, to a false alarm of `alpha`; pass where it is not; else unknown."""
        if reached(self.not_above, alpha) and reached(self.within, WITHIN_ALPHA):
            return Outcome.FAIL
        return Outcome.PASS if reached(self.harmful, PASS_ALPHA) else Outcome.INCONCLUSIVE


def error_shift(blocks: Sequence[Block], limit: float) -> Shift:
    return shift_of([_counts(block, lambda part: part.errors) for block in blocks], limit)


def refusal_shift(blocks: Sequence[Block], limit: float) -> Shift | None:
    """Weigh errors and 4xx answers together; None where nothing was refused.

    What clients get wrong, both slots refuse: it is the excess that counts. To rule out one of `limit` among many refusals
    would take hours, so that `harmful` speaks of an excess as large as stable's own share where that is larger.
    """
    if not any(part.refused for block in blocks for part in (block.canary, block.stable)):
        return None
    counts = [_counts(block, lambda part: part.errors + part.refused) for block in blocks]
    tolerance, stable = limit, _shares(counts)[1]
    while tolerance < stable:
        tolerance = min(2 * max(tolerance, SMALLEST_LIMIT), 1.0)
    return shift_of(counts, limit, harm=tolerance)


@dataclass(frozen=True)
class Tail:
    """The shares of answers above `cutoff`, and the evidence on them."""

    cutoff: float
    """Seconds: the newest block's; infinite where nothing could be compared."""
    answers: float
    """The canary's answers that were compared."""
    shift: Shift


def tail_shift(blocks: Sequence[Block], limit: float, ratio: float, warmup_requests: float) -> Tail:
    """Weigh the answers above stable's p99 times `ratio`, which all may be slower, against an excess of `limit` (a share).

    Where that is, the blocks before say, rounded up to a bound of the histogram: no block has a say in its own.
    """
    counts: list[Counts] = []
    seen, cutoff = Increment(), inf
    for block in warm(blocks, warmup_requests):
        found = _cutoff(seen.buckets, ratio)
        if found < inf:
            cutoff = found
            ours, theirs = block.canary.buckets, block.paced.buckets
            slow = [sum(count for bound, count in each.items() if bound > found) for each in (ours, theirs)]
            counts.append(Counts(slow[0], sum(ours.values()), slow[1], sum(theirs.values())))
        seen = seen.plus(block.paced)
    return Tail(cutoff, sum(one.canary_trials for one in counts), shift_of(counts, limit))


def _cutoff(buckets: Mapping[float, float], ratio: float) -> float:
    """Return the lowest bound that is at least `ratio` times the 99th percentile, in seconds; infinite where there is none."""
    answers = above = sum(buckets.values())
    for bound in sorted(buckets) if answers >= FEWEST_ANSWERS else ():
        above -= buckets[bound]
        if above <= SLOWEST * answers:
            return min((other for other in buckets if other >= ratio * bound), default=inf)
    return inf


def split_band(share: float) -> tuple[float, float]:
    return share * (1 - SPLIT_TOLERANCE), min(share * (1 + SPLIT_TOLERANCE), 1.0)


def log_e_split(canary: float, stable: float, share: float) -> float:
    """Return the log evidence against 'the canary's share is within the band' after so many requests to each slot."""
    return log_e_share_is(canary, canary + stable, *split_band(share))


def shift_of(counts: Sequence[Counts], limit: float, harm: float | None = None) -> Shift:
    """Weigh blocks of hits and trials against a tolerance of `limit`; `harm` is that of the last statement if it differs."""
    tolerance, excluded = (max(one, SMALLEST_LIMIT) for one in (limit, limit if harm is None else harm))
    rows = [_weigh(one, expected, tolerance, excluded) for one, expected in zip(counts, _expected(counts))]
    excesses = len(excess_grid(tolerance))
    added = sums(rows) if rows else [0.0] * (2 * excesses + 1)
    canary, stable = _shares(counts)
    not_above, within = log_mean_exp(added[:excesses]), log_mean_exp(added[excesses:-1])
    return Shift(canary, stable, not_above, within, harmful=added[-1])


def excess_grid(tolerance: float) -> list[float]:
    found = [2 * tolerance]
    while found[-1] * STEP < 1.0:
        found.append(found[-1] * STEP)
    return found


def _counts(block: Block, hits: Callable[[Increment], float]) -> Counts:
    canary, stable = block.canary, block.stable
    ours, theirs = min(hits(canary), canary.requests), min(hits(stable), stable.requests)
    return Counts(ours, canary.requests, theirs, stable.requests)


def _shares(counts: Sequence[Counts]) -> tuple[float, float]:
    canary = _share(sum(one.canary_hits for one in counts), sum(one.canary_trials for one in counts))
    return canary, _share(sum(one.stable_hits for one in counts), sum(one.stable_trials for one in counts))


@lru_cache(maxsize=4096)
def _weigh(counts: Counts, expected: tuple[float, float], tolerance: float, harm: float) -> tuple[float, ...]:
    """Return the log e-variables of a block: each excess against equality and the tolerance, then none against harm."""

    def above(stable: float, excess: float, margin: float) -> float:
        """Where stable hits nearly always, no share is beyond the margin: such an alternative bets nothing."""
        canary = min(stable + excess, (1 + stable) / 2)
        return log_e_shares(counts, canary, stable, margin) if canary - stable > margin else 0.0

    excesses = excess_grid(tolerance)
    equal = [hedged(*(above(share, excess, 0.0) for share in expected)) for excess in excesses]
    within = [hedged(*(above(share, excess, tolerance) for share in expected)) for excess in excesses]
    # Where no share is `harm` above stable's, there is nothing to bet against.
    none = [log_e_shares(counts, share, share, harm) if share + harm < 1.0 else 0.0 for share in expected]
    return (*equal, *within, hedged(*none))


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
