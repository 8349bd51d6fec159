"""Changes of the state, as pure functions."""

from __future__ import annotations

import pytest

from gateline.contracts.slots import Slot, State
from gateline.settings.errors import UsageError
from infra.engines import changes
from tests.infra.engines.states import release, slot, state


def places(count: int, before: State) -> list[tuple[str, int]]:
    taken = changes.used_ports(before)
    return [("127.0.0.1", port) for port in range(21_000, 22_000) if port not in taken][:count]


def start(before: State, where: Slot, digest: str, count: int) -> State:
    return changes.started(before, where, release(digest), "python", count, {}, places)


def test_start_names_and_places_new_replicas_at_share_0() -> None:
    after = start(state(stable=slot("s", share=1.0)), Slot.CANARY, "b", 2)
    canary = after.slots[Slot.CANARY]
    assert canary.share == 0.0 and [replica.name for replica in canary.replicas] == ["bbbbbbbb-11", "bbbbbbbb-12"]
    assert [replica.port for replica in canary.replicas] == [21_001, 21_002] and after.named == 12
    assert after.slots[Slot.STABLE].share == 1.0


def test_start_brings_a_slot_to_the_number_and_keeps_its_share() -> None:
    before = state(stable=slot("s1", "s2", share=1.0))
    more = start(before, Slot.STABLE, "a", 3)
    fewer = start(more, Slot.STABLE, "a", 1)
    assert [replica.name for replica in more.slots[Slot.STABLE].replicas] == ["s1", "s2", "aaaaaaaa-11"]
    assert [replica.name for replica in fewer.slots[Slot.STABLE].replicas] == ["s1"]
    assert more.slots[Slot.STABLE].share == fewer.slots[Slot.STABLE].share == 1.0
    assert start(before, Slot.STABLE, "a", 2) == before.model_copy(update={"drain_seconds": 10.0})


def test_a_name_is_never_given_twice() -> None:
    first = start(state(), Slot.CANARY, "b", 1)
    again = start(changes.emptied(first, Slot.CANARY), Slot.CANARY, "b", 1)
    assert first.slots[Slot.CANARY].replicas[0].name != again.slots[Slot.CANARY].replicas[0].name


def test_start_refuses_another_release_and_no_replicas() -> None:
    with pytest.raises(
        UsageError, match=r"slot stable of production runs a\+aaaaaaaa, so b\+bbbbbbbb cannot start there"
    ):
        start(state(stable=slot("s")), Slot.STABLE, "b", 1)
    with pytest.raises(UsageError, match="0 processes asked for in slot canary"):
        start(state(), Slot.CANARY, "b", 0)


def test_shares_are_set_for_all_slots_at_once() -> None:
    before = state(stable=slot("s", share=1.0), canary=slot("c"), previous=slot("p", share=0.5))
    after = changes.shared(before, {Slot.STABLE: 0.9, Slot.CANARY: 0.1})
    assert {name: wanted.share for name, wanted in after.slots.items()} == {
        "stable": 0.9,
        "canary": 0.1,
        "previous": 0.0,
    }


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ({Slot.STABLE: 0.9}, "asked: stable 0.9"),
        ({Slot.STABLE: 1.1, Slot.CANARY: -0.1}, "must be 0 to 1"),
        ({}, "asked: none"),
        ({Slot.STABLE: 0.5, Slot.PREVIOUS: 0.5}, "slot previous of production is empty"),
    ],
)
def test_shares_that_make_no_whole_are_refused(shares: dict[Slot, float], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        changes.shared(state(stable=slot("s"), canary=slot("c")), shares)


def test_a_guard_is_set_and_taken_away() -> None:
    guarded = changes.guarded(state(canary=slot("c")), Slot.CANARY, True)
    assert guarded.slots[Slot.CANARY].guarded
    assert not changes.guarded(guarded, Slot.CANARY, False).slots[Slot.CANARY].guarded
    with pytest.raises(UsageError, match="slot stable of production is empty"):
        changes.guarded(guarded, Slot.STABLE, True)


def test_move_takes_the_share_along_and_leaves_the_guard() -> None:
    after = changes.moved(state(canary=slot("c", share=1.0, guarded=True)), Slot.CANARY, Slot.STABLE)
    assert set(after.slots) == {Slot.STABLE}
    assert after.slots[Slot.STABLE].share == 1.0 and not after.slots[Slot.STABLE].guarded
    assert changes.moved(after, Slot.CANARY, Slot.STABLE) == after


def test_move_refuses_to_overwrite_or_to_move_nothing() -> None:
    with pytest.raises(UsageError, match="slot canary of production cannot become stable: stable is not empty"):
        changes.moved(state(stable=slot("s"), canary=slot("c")), Slot.CANARY, Slot.STABLE)
    with pytest.raises(UsageError, match="slot canary of production cannot become stable: canary is empty"):
        changes.moved(state(), Slot.CANARY, Slot.STABLE)


def test_a_slot_that_others_could_replace_keeps_its_traffic() -> None:
    two = state(stable=slot("s", share=1.0), canary=slot("c"))
    with pytest.raises(UsageError, match="slot stable of production has 100% of traffic"):
        changes.emptied(two, Slot.STABLE)
    assert set(changes.emptied(two, Slot.CANARY).slots) == {Slot.STABLE}
    assert changes.emptied(state(canary=slot("c", share=1.0)), Slot.CANARY).slots == {}


def test_a_lost_port_is_replaced_under_a_new_name() -> None:
    before = state(stable=slot("s1", "s2", share=1.0))
    after = changes.moved_ports(before, {21_000}, places)
    assert [(r.name, r.port) for r in after.slots[Slot.STABLE].replicas] == [("s2", 21_001), ("aaaaaaaa-11", 21_002)]
    assert after.slots[Slot.STABLE].share == 1.0
    assert changes.moved_ports(before, set(), places) == before


def test_what_was_fetched_last_and_what_runs_is_kept() -> None:
    before = state(stable=slot("s", share=1.0, digest="a"))
    for digest in "abcdb":
        before = changes.fetched(before, digest * 64, f"image {digest}")
    assert [program[-1] for program in before.programs.values()] == ["a", "c", "d", "b"]
    after = changes.remembered(before, ["c" * 64, "a" * 64], 2)
    assert [program[-1] for program in after.programs.values()] == ["a", "c", "d", "b"] and after.history[
        -1
    ] == "a" * 64
    after = changes.remembered(before, ["a" * 64], 2)
    assert [program[-1] for program in after.programs.values()] == ["a", "d", "b"]
