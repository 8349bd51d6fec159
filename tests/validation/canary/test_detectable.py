"""What a canary can tell: compared with what it then does tell."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from benchmarks.canary_replay import PLAIN, play
from gateline.settings import CanaryGate
from tests.validation.canary.canaries import CANARY_SLOT, STABLE_SLOT, rule_on, steady
from validation.canary.detectable import detectable, error_increase_seen, prediction_shift_seen

GATE = CanaryGate()


def test_the_default_canary_can_tell_what_the_settings_allow() -> None:
    seen = detectable(GATE, 0.1, 50, 240)
    assert seen.requests == 1200
    assert seen.too_coarse(GATE) == {}
    assert "held" not in seen.sentence(GATE) and "1200 canary requests" in seen.sentence(GATE)


@pytest.mark.parametrize(
    ("rate", "seconds", "coarse"),
    [
        (5.0, 240.0, {"traffic", "errors", "latency", "predictions"}),
        (50.0, 60.0, {"errors", "latency", "predictions"}),
        (200.0, 60.0, {"latency"}),
        (0.0, 240.0, {"traffic", "errors", "latency", "predictions"}),
    ],
)
def test_too_little_traffic_is_said_before_it_starts(rate: float, seconds: float, coarse: set[str]) -> None:
    seen = detectable(GATE, 0.1, rate, seconds)
    assert set(seen.too_coarse(GATE)) == coarse
    assert "it will be held, not promoted" in seen.sentence(GATE)


def test_a_rule_that_does_not_run_needs_no_traffic() -> None:
    gate = CanaryGate(rules=("traffic", "errors"), required=("traffic",))
    assert set(detectable(gate, 0.1, 5, 240).too_coarse(gate)) == {"traffic", "errors"}


def test_more_traffic_sees_smaller_differences() -> None:
    little, much = detectable(GATE, 0.1, 20, 240), detectable(GATE, 0.1, 500, 240)
    assert much.error_increase < little.error_increase
    assert 1 < much.latency_ratio < little.latency_ratio
    assert much.prediction_shift < little.prediction_shift


def test_more_errors_in_stable_hide_more() -> None:
    assert error_increase_seen(1200, 10_800, 0.05) > 2 * error_increase_seen(1200, 10_800, 0.001)


def test_rare_positives_shift_visibly_by_less() -> None:
    assert prediction_shift_seen(1200, 10_800, 0.005, 2, GATE) < prediction_shift_seen(1200, 10_800, 0.3, 2, GATE) / 2


def test_more_labels_need_more_rows() -> None:
    assert prediction_shift_seen(1200, 10_800, 0.3, 10, GATE) > prediction_shift_seen(1200, 10_800, 0.3, 2, GATE)


def test_without_rows_nothing_is_seen() -> None:
    assert prediction_shift_seen(0, 0, 0.3, 2, GATE) == inf


def test_a_limit_that_the_traffic_cannot_tell_holds_a_healthy_canary() -> None:
    gate = CanaryGate(max_prediction_shift=0.03, max_error_increase=0.002)
    assert {"errors", "predictions"} <= set(detectable(gate, 0.1, 50, 240).too_coarse(gate))
    history = steady(240, CANARY_SLOT, replace(STABLE_SLOT))
    assert rule_on("predictions", history, gate).outcome == "inconclusive"
    assert rule_on("errors", history, gate).outcome == "inconclusive"


@pytest.mark.slow
def test_a_shift_of_the_size_that_is_said_to_be_seen_is_seen() -> None:
    """Twelve replays (seeds fixed): nearly all stopped; 95 % are promised, with reserve."""
    shift = detectable(GATE, 0.1, 50, 240).prediction_shift
    played = [play(replace(PLAIN, positives=(0.3 + shift, 0.3)), False, seed) for seed in range(12)]
    assert sum(one.stopped < one.promoted for one in played) >= 10
