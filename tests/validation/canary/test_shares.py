"""The excess of errors: evidence against equality, against the tolerance and against harm, with bursts in between."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from tests.validation.canary.canaries import CANARY_SLOT, STABLE_SLOT, Steady, steady, then
from validation.canary.blocks import Look, blocks
from validation.canary.shares import Shift, error_shift, excess_grid

LIMIT = 0.01


def failing(slot: Steady, share: float) -> Steady:
    return replace(slot, errors=slot.requests * share)


def history(seconds: int, canary: float, stable: float) -> list[Look]:
    return steady(seconds, failing(CANARY_SLOT, canary), failing(STABLE_SLOT, stable))


def weigh(looks: list[Look], limit: float = LIMIT) -> Shift:
    return error_shift(blocks(looks), limit)


def test_without_blocks_there_is_no_evidence() -> None:
    found = weigh([])
    assert (found.excess, found.not_above, found.within, found.harmful) == (0.0, 0.0, 0.0, 0.0)


def test_five_per_cent_is_evidence_against_equality_and_against_the_tolerance() -> None:
    found = weigh(history(60, 0.05, 0.0))
    assert found.excess == pytest.approx(0.05)
    assert found.not_above > found.within > log(20) > 0 > found.harmful


def test_an_excess_within_the_tolerance_is_evidence_against_equality_alone() -> None:
    found = weigh(history(2400, 0.006, 0.0))
    assert found.not_above > log(1000) and found.within < 0


def test_no_errors_are_evidence_against_harm() -> None:
    assert weigh(history(120, 0.0, 0.0)).harmful > log(20)
    assert weigh(history(120, 0.01, 0.01)).harmful > 0


def test_a_burst_in_both_slots_is_evidence_of_nothing_and_is_recovered_from() -> None:
    burst = then(history(20, 0.0, 0.0), history(15, 0.5, 0.5))
    after = then(burst, history(150, 0.0, 0.0))
    assert weigh(burst).not_above < log(20) and weigh(burst).within < log(20)
    assert weigh(after).not_above < 0 and weigh(after).harmful > log(20)


def test_a_faulty_canary_is_found_after_a_burst_in_both_slots() -> None:
    found = weigh(then(history(10, 0.5, 0.5), history(90, 0.05, 0.0)))
    assert found.not_above > log(1000) and found.within > log(20)


def test_stable_that_fails_more_is_no_evidence_against_the_canary() -> None:
    assert weigh(history(240, 0.0, 0.05)).not_above < 0


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_both_failing_nearly_always_is_no_evidence_against_the_canary(share: float) -> None:
    found = weigh(history(240, share, share))
    assert found.not_above < log(20) and found.within < log(20)


def test_a_tolerance_of_zero_can_be_judged() -> None:
    assert weigh(history(60, 0.05, 0.0), limit=0.0).within > log(20)


def test_the_grid_runs_from_twice_the_tolerance_to_nearly_all() -> None:
    grid = excess_grid(LIMIT)
    assert grid[0] == 0.02 and 0.4 <= grid[-1] < 1.0
