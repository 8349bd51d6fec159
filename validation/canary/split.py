"""Whether the canary gets the share of traffic that it should."""

from __future__ import annotations

from validation.canary.sequential import log_e_share_is

TOLERANCE = 0.2
"""How far the share may lie from the intended one, relative to it: 0.08 to 0.12 is a split of 0.1."""
FEWEST_EXPECTED = 20.0
"""The split is not judged good before the canary should have had this many requests."""


def band(share: float) -> tuple[float, float]:
    """Return the smallest and the largest share that count as `share`."""
    return share * (1 - TOLERANCE), min(share * (1 + TOLERANCE), 1.0)


def log_e_split(canary: float, stable: float, share: float) -> float:
    """Return the log evidence against 'the canary's share lies within the band' after so many requests to each slot."""
    return log_e_share_is(canary, canary + stable, *band(share))
