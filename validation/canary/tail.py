"""The slow answers of a canary: how many take longer than nearly all of stable's, and longer than a slower canary may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from validation.canary.observation import Block, Increment, warm
from validation.canary.sequential import Counts
from validation.canary.share_shift import Shift, shift_of

SLOWEST = 0.01
"""Stable's p99 leaves this share above it."""
FEWEST_ANSWERS = 100
"""Fewer answers of stable's have no 99th percentile."""


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

    Where that lies, the blocks before say, rounded up to a bound of the histogram: no block has a say in its own.
    """
    counts: list[Counts] = []
    seen, cutoff = Increment(), inf
    for block in warm(blocks, warmup_requests):
        found = cutoff_of(seen.buckets, ratio)
        if found < inf:
            cutoff = found
            ours, theirs = block.canary.buckets, block.paced.buckets
            counts.append(Counts(_above(ours, found), sum(ours.values()), _above(theirs, found), sum(theirs.values())))
        seen = seen.plus(block.paced)
    return Tail(cutoff, sum(one.canary_trials for one in counts), shift_of(counts, limit))


def cutoff_of(buckets: Mapping[float, float], ratio: float) -> float:
    """Return the lowest bound that is at least `ratio` times the 99th percentile, in seconds; infinite where there is none."""
    answers, above = sum(buckets.values()), sum(buckets.values())
    if answers < FEWEST_ANSWERS:
        return inf
    for bound in sorted(buckets):
        above -= buckets[bound]
        if above <= SLOWEST * answers:
            return min((other for other in buckets if other >= ratio * bound), default=inf)
    return inf


def _above(buckets: Mapping[float, float], cutoff: float) -> float:
    return sum(count for bound, count in buckets.items() if bound > cutoff)
