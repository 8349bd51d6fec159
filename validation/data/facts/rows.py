"""What rows share: repeated values of unique columns and keys, and hashes of rows, groups and times to compare tables by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Column, Schema
from gateline.rows.cells import Cells
from gateline.rows.gathering import Columns
from gateline.rows.parts import SHOWN
from validation.data.facts.hashes import Hashes, hashed, mixed
from validation.data.facts.spilled import Dealt, Spilled

KEYED = [("key", "<u8"), ("more", "<u8"), ("row", "<i8")]
TIMED = [("key", "<u8"), ("time", "<u8"), ("row", "<i8")]
NUMBERED = [("key", "<u8"), ("row", "<i8")]
PLAIN = [("key", "<u8")]
LAST = np.uint64(2**64 - 1)
SIGN = np.uint64(2**63)
LEVEL = 16
"""Bits of a number that are looked at in one pass, to find the k-th largest."""
MOST_LARGEST = 2**19
"""Largest numbers that are kept, rather than to look for the last of them in several passes."""


class Keys:
    """A record of each row's values in some columns."""

    def __init__(self, group: tuple[Column, ...], limit: int, *, known: bool) -> None:
        """`known` says that a row without a value, of one column, has no record."""
        self.group, self.known = group, known
        self.records = Spilled(KEYED, limit)

    def look(self, columns: Columns, rows: int) -> Any:
        """Return the records of a batch."""
        cells = [columns[column.name] for column in self.group if column.name in columns]
        if len(cells) < len(self.group):
            return None
        found = np.empty(rows, KEYED)
        found["key"], found["more"], found["row"] = hashed(cells, rows), hashed(cells, rows, 1), np.arange(rows)
        if self.known and cells[0].unknown is not None:
            found = found[~cells[0].unknown]
        return Dealt.of(found)

    def add(self, seen: Any, start: int) -> None:
        """Add them."""
        if seen is not None:
            seen.records["row"] += start
            self.records.add(seen)


class Groups(Keys):
    """The known values of the group column."""

    def __init__(self, column: Column, limit: int) -> None:
        super().__init__((column,), limit, known=True)


class Repeats(Keys):
    """The values of one unique column, or of the key columns together."""

    def __init__(self, group: tuple[Column, ...], limit: int) -> None:
        super().__init__(group, limit, known=len(group) == 1 and not group[0].key)

    def found(self) -> tuple[int, list[int]]:
        """Return how many rows repeat an earlier one, and the positions of the first."""
        count, first = 0, np.empty(0, dtype=np.int64)
        for part in self.records.parts():
            keys = np.sort(part["key"])
            if not (keys[1:] == keys[:-1]).any():
                continue
            order = np.lexsort((part["row"], part["more"], part["key"]))
            part = part[order]
            same = (part["key"][1:] == part["key"][:-1]) & (part["more"][1:] == part["more"][:-1])
            rows = part["row"][1:][same]
            count += len(rows)
            first = np.sort(np.concatenate([first, rows]))[:SHOWN]
        return count, first.tolist()


class RowHashes:
    """Every row's hash over features, target and time, and the same without the times."""

    def __init__(self, schema: Schema, limit: int, *, numbered: bool) -> None:
        """`numbered` says that messages name rows of this table."""
        self.names, self.times, self.others = compared(schema)
        self.time = schema.time
        self.numbered = numbered
        self.whole = Spilled(NUMBERED if numbered else PLAIN, limit)
        self.bare = Spilled(TIMED, limit)
        self.moments: dict[str, int] = {}
        """Of a time column of strings, the different ones by their first appearance."""

    def look(self, columns: Columns, rows: int) -> Any:
        """Return both hashes and the time of each row."""
        if not all(name in columns for name in self.names):
            return None
        bare = hashed([columns[name] for name in self.others], rows)
        whole = np.empty(rows, self.whole.dtype)
        whole["key"] = mixed(bare, hashed([columns[name] for name in self.times], rows)) if self.times else bare
        if self.numbered:
            whole["row"] = np.arange(rows)
        if not self.times:
            return Dealt.of(whole), None, None
        timed = np.empty(rows, TIMED)
        timed["key"], timed["time"], timed["row"] = bare, 0, np.arange(rows)
        time = columns.get(self.time)
        if time is not None and time.column.dtype != "string":
            timed["time"] = self._ordered(time)
            time = None
        return Dealt.of(whole), Dealt.of(timed), time

    def add(self, seen: Any, start: int) -> None:
        """Add them."""
        if seen is None:
            return
        whole, timed, time = seen
        if self.numbered:
            whole.records["row"] += start
        self.whole.add(whole)
        if timed is not None:
            if time is not None:  # Strings are ordered by all that were seen.
                timed.records["time"] = self._ordered(time)[timed.records["row"]]
            timed.records["row"] += start
            self.bare.add(timed)

    def _ordered(self, time: Cells) -> Hashes:
        """Return times as numbers in the same order, missing ones last; strings as their places among the different ones."""
        if time.column.dtype == "string":
            places = [self.moments.setdefault(text or "", len(self.moments)) for text in time.texts]
            found = np.array(places, dtype=np.uint64)[time.values] if places else np.zeros(len(time), np.uint64)
        elif time.values.dtype == np.float64:
            bits = (time.values + 0.0).view(np.uint64)
            found = np.where(bits >> np.uint64(63), ~bits, bits | SIGN)
        else:
            found = time.values.view(np.uint64) ^ SIGN
        return found if time.unknown is None else np.where(time.unknown, LAST, found)

    def timed(self) -> Iterator[Any]:
        """Yield the records with times in their true order."""
        ranks = np.argsort(np.argsort(np.array(list(self.moments)))).astype(np.uint64) if self.moments else None
        for part in self.bare.parts():
            if ranks is not None:
                known = part["time"] != LAST
                part["time"][known] = ranks[part["time"][known].astype(np.intp)]
            yield part


def compared(schema: Schema) -> tuple[list[str], list[str], list[str]]:
    """Return the columns that rows are compared by; those of them that are times, and the others."""
    wanted = {column.name for column in schema.features} | {schema.target, schema.time}
    names = [column.name for column in schema.columns if column.name in wanted]
    # The time column may be counted: seconds, months as 202501.
    moments = {column.name for column in schema.columns if column.dtype == "datetime"}
    times = [name for name in names if name == schema.time or name in moments]
    times = [name for name in times if name != schema.target]
    return names, times, [name for name in names if name not in times]


class Times:
    """The earliest and the latest known value of the time column; strings by their letters."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.first: Any = None
        self.last: Any = None

    def look(self, columns: Columns, rows: int) -> Any:
        """Return both of a batch."""
        cells = columns.get(self.column.name)
        if cells is None or not len(cells.known):
            return None
        if self.column.dtype != "string":
            return cells.known.min().item(), cells.known.max().item()
        texts = [cells.texts[place] for place in np.unique(cells.known).tolist()]
        return min(texts), max(texts)

    def add(self, seen: Any, start: int) -> None:
        """Add them."""
        if seen is not None:
            self.first = seen[0] if self.first is None else min(self.first, seen[0])
            self.last = seen[1] if self.last is None else max(self.last, seen[1])


def largest(parts: Callable[[], Iterator[npt.NDArray[np.uint64]]], count: int) -> tuple[np.uint64, int]:
    """Return the smallest of the `count` largest numbers, and how many of them are larger than it.

    The numbers come in parts, once for each sixteen bits; where not many are wanted, once.
    """
    if count <= MOST_LARGEST:
        top = np.empty(0, dtype=np.uint64)
        for numbers in parts():
            top = np.concatenate([top, numbers])
            top = np.partition(top, len(top) - count)[-count:] if len(top) > count else top
        least = top.min()
        return least, int(np.count_nonzero(top > least))
    prefix, above = 0, 0
    for level in range(64 - LEVEL, -1, -LEVEL):
        counts = np.zeros(2**LEVEL, dtype=np.int64)
        for numbers in parts():
            high = numbers >> np.uint64(level)
            if level + LEVEL < 64:
                high = high[(high >> np.uint64(LEVEL)) == np.uint64(prefix)] & np.uint64(2**LEVEL - 1)
            counts += np.bincount(high.astype(np.intp), minlength=2**LEVEL)
        at_least = np.cumsum(counts[::-1])[::-1]
        digit = int(np.flatnonzero(at_least >= count - above)[-1])
        above += int(at_least[digit + 1]) if digit + 1 < 2**LEVEL else 0
        prefix = (prefix << LEVEL) | digit
    return np.uint64(prefix), above


def groups_of(schema: Schema) -> list[tuple[Column, ...]]:
    """Return the columns, or the key columns together, of which nothing may occur twice."""
    groups: list[tuple[Column, ...]] = [(column,) for column in schema.columns if column.unique]
    keys = tuple(column for column in schema.columns if column.key)
    return groups + ([keys] if keys and keys not in groups else [])
