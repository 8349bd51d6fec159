"""What a canary can tell at the traffic at hand: the smallest differences that it would see with 95 % probability."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, isinf, log, sqrt
from typing import NamedTuple

from gateline.settings import CanaryGate
from validation.canary.blocks import BLOCK_SECONDS
from validation.canary.latency import Point, estimated
from validation.canary.predictions import alternatives
from validation.canary.sequential import ALPHAS, PASS_ALPHA, nearest_null

POWER_Z = 1.645
"""95 % of a normal distribution are above its mean less this many standard deviations."""
FIND_Z = 1.96
"""The same for a shift of predictions, with some reserve: it is to be found in at least 95 % before the canary is promoted."""
SCATTER = 0.3
"""Variance of one request's capped latency, relative to the squared mean, as long as none was measured."""
ERROR_SHARE = 0.001
"""Stable's, as long as none was measured."""


@dataclass(frozen=True)
class Detectable:
    """The smallest differences that are seen, or can be ruled out, with 95 % probability; infinite where none is."""

    requests: float
    """Requests that the canary will have answered."""
    error_increase: float
    latency_ratio: float
    prediction_shift: float

    def too_coarse(self, gate: CanaryGate) -> dict[str, tuple[float, float]]:
        """Return rule, smallest visible difference and limit where the traffic cannot tell what the settings allow."""
        pairs = {
            "traffic": (gate.min_requests, self.requests),
            "errors": (self.error_increase, gate.max_error_increase),
            "latency": (self.latency_ratio, gate.max_latency_ratio),
            "predictions": (self.prediction_shift, gate.max_prediction_shift),
        }
        return {rule: pair for rule, pair in pairs.items() if rule in gate.rules and pair[0] > pair[1]}

    def sentence(self, gate: CanaryGate) -> str:
        """Say what can be seen, what is allowed, and what follows where the first is larger."""
        if isinf(self.error_increase):
            return f"{self.requests:.0f} canary requests are expected, too few to judge: it will be held, not promoted"
        seen = (
            f"{self.requests:.0f} canary requests can tell an error share {self.error_increase:.2%} above stable's "
            f"(allowed {gate.max_error_increase:.2%}), latency {self.latency_ratio:.2f} times stable's "
            f"(allowed {gate.max_latency_ratio:.2f}), predictions shifted by {self.prediction_shift:.3f} "
            f"(allowed {gate.max_prediction_shift:.3f})"
        )
        coarse = ", ".join(self.too_coarse(gate))
        return f"{seen}; too little traffic to judge {coarse}: it will be held, not promoted" if coarse else seen


def detectable(
    gate: CanaryGate, share: float, rate: float, seconds: float, *, positive_share: float = 0.3, baseline: float | None = None
) -> Detectable:
    """Say what a canary with `share` of `rate` requests a second can tell within `seconds`.

    Errors and predictions are compared with all of stable, latency with the baseline's share (the canary's if not given).
    """
    canary, stable = share * rate * seconds, (1 - share) * rate * seconds
    paced = share if baseline is None else baseline
    return Detectable(
        requests=canary,
        error_increase=error_increase_seen(canary, stable, ERROR_SHARE),
        latency_ratio=_latency_ratio_seen(share * rate, paced * rate, seconds, gate.warmup_requests),
        prediction_shift=prediction_shift_seen(canary, stable, positive_share, 2, gate),
    )


def error_increase_seen(canary: float, stable: float, share: float) -> float:
    """Return the smallest excess that a canary with stable's own error share could be shown to keep under."""

    def shown(excess: float) -> bool:
        null = nearest_null(share, share, excess, canary, stable)
        trials = (Trials(canary, share, share, null[0]), Trials(stable, share, share, null[1]))
        return _power(trials, -log(PASS_ALPHA), POWER_Z)

    return _smallest(shown, 1.0 - share - 1e-6)


def prediction_shift_seen(canary: float, stable: float, share: float, labels: int, gate: CanaryGate) -> float:
    """Return the smallest shift of a label's share from `share`, towards the middle (the harder way), that would be found."""
    looked_for = alternatives(gate.max_prediction_shift, gate.max_prediction_ratio, labels)
    needed = -log(gate.alpha * ALPHAS["predictions"]) + log(max(1, labels - 1) if labels <= 2 else labels)

    def found(shift: float) -> bool:
        truth = share + (shift if share <= 0.5 else -shift)
        for alternative in looked_for if canary and stable else ():
            likely = alternative.of(share)
            if 0.0 < likely < 1.0:
                common = nearest_null(likely, share, None, canary, stable)[0]
                trials = (Trials(canary, truth, likely, common), Trials(stable, share, share, common))
                if _power(trials, needed - log(alternative.weight), FIND_Z):
                    return True
        return False

    return _smallest(found, max(share, 1 - share) - 1e-6)


def _latency_ratio_seen(canary_rate: float, stable_rate: float, seconds: float, warmup: float) -> float:
    """Return the smallest ratio that an equally fast canary could be shown to keep under.

    A normal log likelihood ratio reaches x in 95 % of cases at a distance of z + sqrt(z² + 2x) standard errors.
    """
    blocks = int((seconds - warmup / canary_rate) / BLOCK_SECONDS) if canary_rate > 0 and stable_rate > 0 else 0
    if blocks <= 0:
        return inf
    variance = SCATTER * (1 / canary_rate + 1 / stable_rate) / BLOCK_SECONDS
    level = estimated([Point(index * BLOCK_SECONDS, 0.0, variance) for index in range(blocks)])
    return exp((POWER_Z + sqrt(POWER_Z**2 + 2 * -log(PASS_ALPHA))) * level.error)


class Trials(NamedTuple):
    """Bernoulli trials: how many, their share in truth, the share that is bet on, and the null's."""

    trials: float
    truth: float
    likely: float
    null: float


def _power(parts: Sequence[Trials], needed: float, z: float) -> bool:
    """Say whether evidence reaches `needed` but for a normal tail beyond `z`."""
    mean = variance = 0.0
    for trials, truth, likely, null in parts:
        won, lost = log(likely / null), log((1 - likely) / (1 - null))
        mean += trials * (truth * won + (1 - truth) * lost)
        variance += trials * truth * (1 - truth) * (won - lost) ** 2
    return mean - z * sqrt(variance) >= needed


def _smallest(seen: Callable[[float], bool], largest: float) -> float:
    """Return the smallest difference that is seen, by bisection of its logarithm; infinite if not even the largest is."""
    low, high = 1e-5, largest
    if high <= low or not seen(high):
        return inf
    for _ in range(30):
        middle = sqrt(low * high)
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
