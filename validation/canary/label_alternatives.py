"""What a changed canary may predict: the alternatives that the test of predictions looks for."""

from __future__ import annotations

from typing import NamedTuple

SMALLEST_SHIFT = 0.001
FACTORS_WEIGHT = 0.2
"""Weight of all alternatives that multiply a share; those that add to it have the rest."""


class Alternative(NamedTuple):
    """A label's share in the canary, made from stable's: `factor` times it, plus `shift`."""

    weight: float
    factor: float
    shift: float

    def of(self, share: float) -> float:
        """Return the canary's share; it may lie outside of 0 to 1."""
        return self.factor * share + self.shift


def alternatives(limit: float, factor: float, labels: int) -> list[Alternative]:
    """Return what is looked for in each of so many labels; weights add up to 1.

    Shifts begin with what each label has of a distance of `limit` when all of them move, and double until 1; half of the
    weight lies on the first, half of the rest on the next, and so on. Factors are for rare labels: their shares shift little.
    """
    shifts = _shifts(limit, labels)
    halves = [0.5 ** (index + 1) for index in range(len(shifts))]
    added = [
        Alternative((1 - FACTORS_WEIGHT) * half / sum(halves) / 2, 1.0, sign * shift)
        for half, shift in zip(halves, shifts)
        for sign in (-1, 1)
    ]
    factors = (factor, factor**2, factor**-2)
    return [*added, *(Alternative(FACTORS_WEIGHT / len(factors), value, 0.0) for value in factors)]


def _shifts(limit: float, labels: int) -> list[float]:
    found = [min(max(2 * limit / max(labels, 2), SMALLEST_SHIFT), 0.5)]
    while found[-1] * 2 < 1.0:
        found.append(found[-1] * 2)
    return found
