"""The shift of predictions: labels, distance, factor and evidence."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from validation.canary.blocks import Block, Increment
from validation.canary.predictions import MOST_LABELS, REST, PredictionShift, alternatives, prediction_shift

LABELS = 10


def increment(counts: dict[str, float], rows_per_request: float = 1.0) -> Increment:
    rows = sum(counts.values())
    return Increment(requests=rows / rows_per_request, answered=rows / rows_per_request, predictions=counts)


def split(rows: float, shares: list[float]) -> dict[str, float]:
    return {str(label): rows * share for label, share in enumerate(shares)}


def constant(blocks: int, canary: list[float], stable: list[float], rows_per_request: float = 1.0) -> PredictionShift:
    ours = increment(split(25 * rows_per_request, canary), rows_per_request)
    theirs = increment(split(225 * rows_per_request, stable), rows_per_request)
    return prediction_shift([Block(5.0 * at, 5.0 * at + 5, ours, theirs) for at in range(blocks)], 0.1, 2.5)


def test_alternatives_weigh_one_and_are_shares() -> None:
    for labels in (1, 2, 3, 10, 100):
        found = alternatives(0.1, 2.5, labels)
        assert sum(one.weight for one in found) == pytest.approx(1.0)
        assert all(abs(one.shift) < 1 for one in found)
    assert alternatives(0.1, 2.5, 2)[0].shift == -0.1 and alternatives(0.1, 2.5, 10)[0].shift == pytest.approx(-0.02)


def test_nothing_predicted_is_no_evidence() -> None:
    found = prediction_shift([], 0.1, 2.5)
    assert (found.equal, found.distance, found.factor, found.label) == (0.0, 0.0, 1.0, "")


def test_equal_distributions_are_no_distance_and_no_evidence() -> None:
    found = constant(48, [0.7, 0.3], [0.7, 0.3])
    assert found.distance == 0.0 and found.equal < 0 and found.factor == pytest.approx(1.0)


def test_a_shift_is_distance_and_evidence() -> None:
    found = constant(24, [0.6, 0.4], [0.7, 0.3])
    assert found.distance == pytest.approx(0.1, rel=0.1) and found.equal > log(200)
    assert found.canary["1"] == pytest.approx(0.4) and found.stable["1"] == pytest.approx(0.3)


@pytest.mark.parametrize("shares", [[0.05] * 5 + [0.15] * 5, [0.0] + [1 / 9] * 9])
def test_many_labels_are_judged_one_by_one(shares: list[float]) -> None:
    found = constant(48, shares, [0.1] * LABELS)
    assert found.equal > log(200) and found.distance > 0.07


def test_a_label_that_stable_never_predicts_is_evidence() -> None:
    found = constant(10, [0.6, 0.3, 0.1], [0.7, 0.3, 0.0])
    assert found.equal > log(200) and found.factor > 2.5


def test_a_rare_label_that_vanishes_is_evidence_by_its_factor() -> None:
    found = constant(80, [1.0, 0.0], [0.98, 0.02])
    assert found.equal > log(200) and found.distance < 0.03 and found.factor > 2.5


def test_the_rarest_labels_are_judged_together() -> None:
    shares = [0.5] + [0.5 / 99] * 99
    found = constant(4, shares, shares)
    assert len(found.canary) == MOST_LABELS and found.canary[REST] == pytest.approx(0.5 / 99 * 81)
    assert sum(found.canary.values()) == pytest.approx(1.0)


def test_rows_of_one_request_weigh_as_one() -> None:
    single, batched = constant(24, [0.6, 0.4], [0.7, 0.3]), constant(24, [0.6, 0.4], [0.7, 0.3], rows_per_request=50)
    assert batched.equal == pytest.approx(single.equal)
    assert batched.canary_rows == pytest.approx(single.canary_rows)


def test_batches_of_alike_rows_do_not_alarm() -> None:
    """300 canaries of equal slots whose requests hold 40 rows of one label each (seed fixed): 0.5 % may alarm."""
    random, alarms = np.random.default_rng(11), 0
    for _ in range(300):
        blocks = []
        for at in range(24):
            ours, theirs = random.binomial(25, 0.3), random.binomial(225, 0.3)
            canary = increment({"0": 40.0 * (25 - ours), "1": 40.0 * ours}, 40)
            stable = increment({"0": 40.0 * (225 - theirs), "1": 40.0 * theirs}, 40)
            blocks.append(Block(5.0 * at, 5.0 * at + 5, canary, stable))
        alarms += prediction_shift(blocks, 0.1, 2.5).equal >= log(200)
    assert alarms <= 4


def test_a_common_change_of_traffic_is_no_evidence() -> None:
    calm, other = [0.7, 0.3], [0.3, 0.7]
    parts = [calm] * 12 + [other] * 12 + [calm] * 12
    blocks = [
        Block(5.0 * at, 5.0 * at + 5, increment(split(25, shares)), increment(split(225, shares)))
        for at, shares in enumerate(parts)
    ]
    found = prediction_shift(blocks, 0.1, 2.5)
    assert found.equal < log(20) and found.distance == 0.0
