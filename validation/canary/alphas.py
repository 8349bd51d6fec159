"""How the canary's chance of a false alarm is shared out among the rules that are tests."""

from __future__ import annotations

from math import log

ALPHAS = {"predictions": 0.45, "latency": 0.3, "errors": 0.15, "split": 0.05, "tail": 0.05}
"""Parts of `gates.canary.alpha`. Predictions need most evidence and get most; an uneven split shows within seconds."""
PASS_ALPHA = 0.05
"""Chance that a canary just beyond a limit is said to keep it."""
WITHIN_ALPHA = 0.05
"""Chance that a canary within a limit is said to break it, although it does differ from stable."""


def reached(log_e: float, alpha: float) -> bool:
    """Say whether evidence has reached 1/alpha."""
    return log_e >= -log(alpha)
