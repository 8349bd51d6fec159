"""Records beyond a limit go to the disk, and equal keys come back together."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from validation.data.facts.rows import KEYED, largest
from validation.data.facts.spilled import Dealt, Spilled, aligned


def records(keys: list[int], first: int = 0) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    made = np.zeros(len(keys), KEYED)
    made["key"] = np.array(keys, dtype=np.uint64) * np.uint64(2**52 + 1)
    made["row"] = np.arange(first, first + len(keys))
    return made


@pytest.mark.parametrize("limit", [1, 500, 10**6])
def test_equal_keys_are_in_one_part_and_in_their_order(limit: int) -> None:
    store, keys = Spilled(KEYED, limit), np.random.default_rng(1).integers(0, 4000, 9000)
    for start in range(0, 9000, 100):
        store.add(Dealt.of(records(keys[start : start + 100].tolist(), start)))
    parts = list(store.parts())
    assert (store.folder is None) == (limit == 10**6) and sum(map(len, parts)) == store.rows == 9000
    owners: dict[int, int] = {}
    for number, part in enumerate(parts):
        assert all(owners.setdefault(int(key), number) == number for key in part["key"])
        for key in np.unique(part["key"])[:20]:
            assert (np.diff(part["row"][part["key"] == key]) > 0).all()


def test_a_store_on_the_disk_is_compared_with_one_in_memory() -> None:
    one, other = Spilled(KEYED, 1), Spilled(KEYED, 10**6)
    one.add(Dealt.of(records(list(range(1000)))))
    other.add(Dealt.of(records(list(range(500, 600)))))
    shared = sum(int(np.isin(theirs["key"], ours["key"]).sum()) for ours, theirs in aligned(one, other))
    assert shared == 100


def test_nothing_is_left_on_the_disk() -> None:
    store = Spilled(KEYED, 1)
    store.add(Dealt.of(records([1, 2, 3])))
    folder = store.folder
    assert folder is not None and folder.exists()
    del store
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize("few", [2**19, 0])
@pytest.mark.parametrize("count", [1, 7, 500, 999])
def test_the_smallest_of_the_largest_is_found(monkeypatch: pytest.MonkeyPatch, few: int, count: int) -> None:
    monkeypatch.setattr("validation.data.facts.rows.MOST_LARGEST", few)
    draws = np.random.default_rng(2)
    some = draws.integers(0, 2**63, 500, dtype=np.uint64) * np.uint64(2)
    numbers = np.concatenate([some, np.full(499, 77, dtype=np.uint64)])
    ordered = np.sort(numbers)[::-1]
    least, above = largest(lambda: iter(np.array_split(numbers, 9)), count)
    assert least == ordered[count - 1] and above == int((numbers > least).sum()) < count
