"""Pearson's test and the stability index, against scipy and under equality."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from validation.drift.chi_square import chi_square_tail, compare, merged, psi, statistic


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 10, 57, 100, 101])
@pytest.mark.parametrize("value", [0.0, 1e-6, 0.5, 3.84, 11.0, 40.0, 150.0, 700.0])
def test_the_tail_is_scipys(value: float, degrees: int) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(float(stats.chi2.sf(value, degrees)), rel=1e-9, abs=1e-300)


def test_a_statistic_below_zero_has_the_whole_tail() -> None:
    assert chi_square_tail(-1.0, 3) == 1.0


def test_the_statistic_is_scipys_test_of_homogeneity() -> None:
    live, before = [120.0, 340.0, 40.0], [2000.0, 5000.0, 900.0]
    expected = stats.chi2_contingency([live, before], correction=False)
    assert statistic(live, before) == pytest.approx(float(expected.statistic))
    assert compare(live, before).p_value == pytest.approx(float(expected.pvalue))


def test_cells_of_few_rows_are_put_together() -> None:
    ours, theirs = merged([1.0, 2.0, 497.0, 0.0], [30.0, 90.0, 29_880.0, 0.0])
    assert ours == [500.0] and theirs == [30_000.0]
    ours, theirs = merged([10.0, 1.0, 1.0, 488.0], [600.0, 250.0, 250.0, 28_900.0])
    assert (ours, theirs) == ([2.0, 10.0, 488.0], [500.0, 600.0, 28_900.0])


def test_one_value_before_and_now_is_no_difference() -> None:
    found = compare([500.0], [30_000.0])
    assert (found.psi, found.p_value, found.cells) == (0.0, 1.0, 1)


def test_the_index_is_the_symmetric_divergence() -> None:
    live, before = [400_000.0, 600_000.0], [300_000.0, 700_000.0]
    assert psi(live, before) == pytest.approx(0.1 * np.log(4 / 3 * 7 / 6), rel=1e-3)


def test_a_new_value_is_a_finite_difference() -> None:
    found = compare([1800.0, 200.0], [30_000.0, 0.0])
    assert 0.2 < found.psi < 5 and found.p_value < 1e-100


def test_under_equality_the_index_is_about_nothing_and_p_about_uniform() -> None:
    """2,000 pairs of equal samples (seed fixed)."""
    random, shares = np.random.default_rng(5), np.full(10, 0.1)
    found = [
        compare(random.multinomial(2000, shares).tolist(), random.multinomial(30_000, shares).tolist())
        for _ in range(2000)
    ]
    assert float(np.mean([one.psi for one in found])) < 0.002
    assert float(np.mean([one.p_value < 0.05 for one in found])) == pytest.approx(0.05, abs=0.015)
    assert max(one.psi for one in found) < 0.02
