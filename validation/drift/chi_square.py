"""Are two samples of counts from one distribution? Pearson's test of homogeneity, and how far apart they are.

Sources: Pearson's chi-square test for a 2 x k table; cells of few expected rows are put together (Cochran, The chi-square test
of goodness of fit, Ann. Math. Stat. 23, 1952). The population stability index is the symmetric Kullback-Leibler divergence;
under equality it is about chi-square over the sample size (Yurdakul and Naranjo, Statistical properties of the population
stability index, J. Risk Model Validation 14, 2020), so its mean there, (cells - 1)(1/n + 1/N), is taken off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

FEWEST_EXPECTED = 5.0
SMOOTHING = 0.5
"""Rows added to each cell before a logarithm is taken."""


@dataclass(frozen=True)
class Homogeneity:
    psi: float
    """Population stability index, sampling noise taken off; at least 0."""
    p_value: float
    """Chance of a difference this large between two samples of one distribution."""
    cells: int


def compare(live: Sequence[float], reference: Sequence[float]) -> Homogeneity:
    """Compare counts cell by cell (equal lengths, both with rows)."""
    ours, theirs = merged(live, reference)
    if len(ours) < 2:
        return Homogeneity(0.0, 1.0, len(ours))
    return Homogeneity(psi(ours, theirs), chi_square_tail(statistic(ours, theirs), len(ours) - 1), len(ours))


def merged(live: Sequence[float], reference: Sequence[float]) -> tuple[list[float], list[float]]:
    """Put the cells with fewest rows together until each has at least five expected in the smaller sample."""
    part = min(sum(live), sum(reference)) / (sum(live) + sum(reference))
    cells = sorted(((ours, theirs) for ours, theirs in zip(live, reference) if ours + theirs > 0), key=sum)
    while len(cells) > 1 and sum(cells[0]) * part < FEWEST_EXPECTED:
        first, second, *others = cells
        cells = sorted([(first[0] + second[0], first[1] + second[1]), *others], key=sum)
    return [ours for ours, _ in cells], [theirs for _, theirs in cells]


def statistic(live: Sequence[float], reference: Sequence[float]) -> float:
    """Return Pearson's statistic of the 2 x k table; no cell is empty in both."""
    ours, theirs = sum(live), sum(reference)
    added = 0.0
    for one, other in zip(live, reference):
        expected = (one + other) * ours / (ours + theirs)
        added += (one - expected) ** 2 * (1 / expected + 1 / (one + other - expected))
    return added


def psi(live: Sequence[float], reference: Sequence[float]) -> float:
    """Return the population stability index of counts, less its mean under equality."""
    ours, theirs = sum(live) + SMOOTHING * len(live), sum(reference) + SMOOTHING * len(reference)
    added = 0.0
    for one, other in zip(live, reference):
        p, q = (one + SMOOTHING) / ours, (other + SMOOTHING) / theirs
        added += (p - q) * log(p / q)
    return max(0.0, added - (len(live) - 1) * (1 / sum(live) + 1 / sum(reference)))


def chi_square_tail(value: float, degrees: int) -> float:
    """Return the chance that a chi-square variable with `degrees` degrees of freedom exceeds `value`.

    The closed form for whole degrees: Q(1/2, x) = erfc(sqrt x), Q(1, x) = exp(-x), Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1)
    (NIST Digital Library of Mathematical Functions, 8.4.6, 8.4.8 and 8.8.6).
    """
    half = value / 2
    if half <= 0:
        return 1.0
    shape, tail = (0.5, erfc(sqrt(half))) if degrees % 2 else (1.0, exp(-half))
    while shape < degrees / 2:
        tail += exp(shape * log(half) - half - lgamma(shape + 1))
        shape += 1
    return min(1.0, tail)
