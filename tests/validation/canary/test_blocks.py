"""Increments between looks: blocks, restarts, thinning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.validation.canary.canaries import CANARY_SLOT, STABLE_SLOT, steady, then
from validation.canary.blocks import BLOCK_SECONDS, MOST_LOOKS, Increment, blocks, increment, thinned, total


def test_blocks_are_complete_spans_of_both_slots() -> None:
    cut = blocks(steady(23))
    assert [(block.start, block.end) for block in cut] == [(0, 5), (5, 10), (10, 15), (15, 20)]
    assert {(block.canary.requests, block.stable.requests) for block in cut} == {(25, 225)}
    assert total(steady(23)).canary.requests == 115


def test_a_late_look_makes_a_longer_block_and_loses_nothing() -> None:
    history = [look for look in steady(20) if look.seconds not in (5, 6)]
    cut = blocks(history)
    assert [(block.start, block.end) for block in cut] == [(0, 7), (7, 12), (12, 17)]
    assert sum(block.canary.requests for block in cut) == 85


def test_buckets_are_counted_apart() -> None:
    block = total(steady(10)).canary
    assert {bound: count for bound, count in block.buckets.items() if count} == {0.01: 50}
    assert block.mean_seconds == pytest.approx(0.010)


def test_errors_and_requests_take_the_larger_of_service_and_proxy() -> None:
    before = CANARY_SLOT.after(0)
    after = replace(CANARY_SLOT, errors=1.0, proxied=6.0, proxy_errors=2.0).after(10)
    part = increment(before, after)
    assert (part.requests, part.errors, part.answered, part.proxied) == (60, 20, 50, 60)
    assert increment(before, replace(after, proxy_errors=0)).errors == 10


def test_a_restarted_replica_counts_nothing_while_it_restarts() -> None:
    before, again = steady(20), steady(10)
    restarted = [replace(look, seconds=20 + look.seconds, stable=before[-1].stable) for look in again]
    history = [*before, *restarted]
    assert total(history).canary.answered == 100 + 50
    assert total(history).canary.proxied == 100 + 50
    assert total(history).stable.answered == 900


def test_a_proxy_that_restarts_leaves_the_services_figures_alone() -> None:
    after = replace(CANARY_SLOT.after(11), proxied=3.0)
    part = increment(CANARY_SLOT.after(10), after)
    assert (part.answered, part.proxied, part.errors) == (5, 0, 0)


def test_a_single_counter_that_falls_is_a_restart() -> None:
    before, after = STABLE_SLOT.after(10), STABLE_SLOT.after(11)
    fallen = replace(after, predictions={**after.predictions, "1": 0.0})
    assert increment(before, fallen).answered == 0 and increment(before, fallen).predictions == {}
    assert increment(before, fallen).proxied == 45


def test_a_label_seen_for_the_first_time_counts() -> None:
    after = replace(CANARY_SLOT.after(1), predictions={**CANARY_SLOT.after(1).predictions, "2": 4.0})
    assert increment(CANARY_SLOT.after(0), after).predictions["2"] == 4.0


def test_nothing_happened_without_requests() -> None:
    assert (Increment().error_share, Increment().mean_seconds) == (0.0, None)
    assert total([]).canary == Increment() and blocks([]) == []


def test_a_long_history_is_thinned_and_its_blocks_grow() -> None:
    history = steady(600)
    for _ in range(8):
        history = thinned(then(history, steady(600)))
    assert len(history) <= MOST_LOOKS + 600
    assert history[-1].seconds == 5400 and history[0].seconds == 0
    assert total(history).canary.requests == 27_000
    cut = blocks(history)
    assert cut[0].end - cut[0].start > BLOCK_SECONDS and len(cut) <= MOST_LOOKS / 2


def test_a_short_history_is_not_thinned() -> None:
    history = steady(100)
    assert thinned(history) == history
