"""How much slower the canary answers than stable, with evidence that may be looked at at any time.

The latency of one instance wanders: neighbouring seconds are alike. Block means are therefore not independent, and a test
that takes them for such rolls back good canaries. Here the log ratio of the slots' block means is a level that is wanted, plus
a wander (first-order autoregressive, of known size and memory, more if the blocks show more), plus sampling noise. A Kalman
filter turns the blocks into independent innovations (Durbin and Koopman, Time Series Analysis by State Space Methods, 2012,
chapter 4; Harvey and Phillips, Biometrika 66, 1979, for generalised least squares through it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, log, sqrt

from validation.canary.blocks import Block, Increment, warm
from validation.canary.sequential import Level, log_e_above, log_e_towards, log_e_under, log_mean_exp

WANDER = 0.07
"""Standard deviation of the log latency of a slot around its own mean, at least."""
MEMORY_SECONDS = 10.0
"""Time in which a wander is forgotten (by a factor e)."""
CAP = 4.0
"""A request counts as at most this many times stable's median: one stall of a second says little of the typical request."""
PRIOR_BLOCKS = 10.0
"""Blocks that the assumed size of the noise is worth, against what the blocks at hand show."""
FEWEST_BLOCKS = 3
LIKELY = 0.4
"""Log ratio that is looked for first of all: half as slow again."""


@dataclass(frozen=True)
class LatencyRatio:
    """The log ratio of typical latency, and the log evidence against two statements about it."""

    level: Level
    blocks: int
    last: float
    """The log ratio of the newest block."""
    not_above: float
    """Against 'the canary is not slower'."""
    harmful: float
    """Against 'the canary is slower by the limit or more'."""

    @property
    def ratio(self) -> float:
        return exp(self.level.estimate)


def latency_ratio(blocks: Sequence[Block], limit: float, warmup_requests: float) -> LatencyRatio:
    """Weigh the latencies of the blocks after the canary's first `warmup_requests` answers against `limit` (a ratio)."""
    typical = Typical.of([block.paced for block in blocks])
    points = []
    for block in warm(blocks, warmup_requests):
        canary, stable = capped_mean(block.canary, typical.cap), capped_mean(block.paced, typical.cap)
        if canary and stable:
            variance = typical.scatter * (1 / block.canary.answered + 1 / block.paced.answered)
            points.append(Point((block.start + block.end) / 2, log(canary / stable), variance))
    level = estimated(points)
    return LatencyRatio(
        level=level,
        blocks=len(points),
        last=points[-1].log_ratio if points else 0.0,
        not_above=log_mean_exp([log_e_above(level, 0.0, LIKELY), log_e_towards(level, 0.0, LIKELY)]),
        harmful=log_mean_exp([log_e_towards(level, log(limit), 0.0), log_e_under(level, log(limit), log(limit) / 2)]),
    )


@dataclass(frozen=True)
class Typical:
    """What stable's latencies look like: where to cap, and how far single requests scatter."""

    cap: float
    """Seconds; infinite where there is no bucket that high."""
    scatter: float
    """Variance of one capped request, relative to the squared mean."""

    @classmethod
    def of(cls, parts: Sequence[Increment]) -> Typical:
        """Read both from the histogram of all stable requests; the cap is the lowest finite bucket bound that is at least
        `CAP` times the median."""
        counts: dict[float, float] = {}
        for part in parts:
            for bound, count in part.buckets.items():
                counts[bound] = counts.get(bound, 0.0) + count
        spans, rows = _spans(counts), sum(counts.values())
        cap, below = inf, 0.0
        for low, high, count in spans:
            below += count
            if count and below >= rows / 2:
                cap = min((bound for _, bound, _ in spans if bound >= CAP * _middle(low, high)), default=inf)
                break
        values = [(min(_middle(low, high), cap), count) for low, high, count in spans]
        mean = sum(value * count for value, count in values) / rows if rows else 0.0
        spread = sum(count * (value - mean) ** 2 for value, count in values) / rows if rows else 0.0
        return cls(cap, spread / mean**2 if mean else 1.0)


@dataclass(frozen=True)
class Point:
    """One block: the log ratio of capped means, its sampling variance, and the block's middle in seconds."""

    seconds: float
    log_ratio: float
    variance: float


def estimated(points: Sequence[Point]) -> Level:
    """Return the generalised least squares level of the points, with the noise as assumed or as seen, whichever is larger."""
    wander = 2 * WANDER**2
    value, constant, variance, before = 0.0, 0.0, wander, 0.0
    innovations: list[tuple[float, float, float]] = []  # what a block adds to those before it, how much of the level is in it
    for point in points:
        fade = exp(-(point.seconds - before) / MEMORY_SECONDS) if innovations else 0.0
        value, constant, variance = value * fade, constant * fade, wander + (variance - wander) * fade**2
        surprise, share, spread = point.log_ratio - value, 1.0 - constant, variance + point.variance
        innovations.append((surprise, share, spread))
        gain = variance / spread
        value, constant = value + gain * surprise, constant + gain * share
        variance, before = variance * (1 - gain), point.seconds
    information = sum(share**2 / spread for _, share, spread in innovations)
    if not information:
        return Level(0.0, 0.0)
    estimate = sum(surprise * share / spread for surprise, share, spread in innovations) / information
    rest = sum((surprise - estimate * share) ** 2 / spread for surprise, share, spread in innovations)
    seen = (PRIOR_BLOCKS + rest) / (PRIOR_BLOCKS + len(innovations) - 1)
    return Level(estimate, information / max(1.0, seen))


def capped_mean(part: Increment, cap: float) -> float | None:
    """Return the mean latency in seconds with each request capped at a bucket's bound; None without answers.

    The sum of latencies is exact; what is above the cap is taken out of it by bucket. Of a stall of 50 ms, its bucket leaves
    more unknown than a hundred requests of 30 µs take together. So the sum counts the less against the middles of the buckets
    below the cap the wider the buckets above it are, and both are held within what the buckets allow.
    """
    rows = sum(part.buckets.values())
    if not rows or not isfinite(cap):
        return part.mean_seconds
    spans = _spans(part.buckets)
    core = part.latency_sum - sum(count * (_middle(low, high) - cap) for low, high, count in spans if low >= cap)
    lowest = sum(count * min(low, cap) for low, _, count in spans)
    highest = sum(count * min(high, cap) for _, high, count in spans)
    middles = sum(count * min(_middle(low, high), cap) for low, high, count in spans)
    unknown = sum(count * (min(high, 2 * low) - low) ** 2 for low, high, count in spans if low >= cap)
    trust = (highest - lowest) ** 2 / ((highest - lowest) ** 2 + unknown) if unknown else 1.0
    mean = min(max(trust * core + (1 - trust) * middles, lowest), highest) / rows
    return mean if mean > 0 else None


def _spans(buckets: Mapping[float, float]) -> list[tuple[float, float, float]]:
    bounds = sorted(buckets)
    return [(low, high, buckets[high]) for low, high in zip([0.0, *bounds], bounds)]


def _middle(low: float, high: float) -> float:
    if not isfinite(high):
        return 2 * low
    return sqrt(low * high) if low > 0 else high / 2
