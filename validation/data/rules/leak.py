"""Rules `leak.rows`, `leak.group`, `leak.time`: what the test rows share with the training rows."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.cells import moment
from gateline.rows.parts import SHOWN
from validation.data.case import DataCase, Table
from validation.data.facts.hashes import Hashes, hashed
from validation.data.facts.rows import RowHashes, compared, largest
from validation.data.facts.spilled import Spilled, aligned
from validation.data.facts.values import Faults
from validation.data.rules.entries import failing, passing, share, silent

ONE_FILE = "needs train and test data"
TOO_COMMON = 0.5
"""Where more training rows than this share repeat each other, a repeated test row says nothing."""
AGAIN = "Where the same things come again in each period, name what they are of in data.group, or raise max_shared_rows"
SIGMAS = 3.0
"""Standard errors allowed on top, where rows repeat by chance."""


def leak_rows(case: DataCase) -> list[Rule]:
    """Judge the share of test rows that are also in train, identical in features, target and time: at most `max_shared_rows`.
    Where columns hold times, rows that are identical but for these are judged as well.

    Rows that repeat by nature are taken into account: the share of training rows that stand twice within train is the share of
    fresh test rows that would be found there by chance, and is allowed on top, with three standard errors.
    """
    if case.pair is None:
        return [silent(case, "leak.rows", ONE_FILE)]
    train, test = case.pair
    names, times, others = compared(case.schema)
    there = all(name in table.facts.held for name in names for table in case.pair)
    if not (names and there and train.rows and test.rows):
        return [silent(case, "leak.rows", "train and test hold no column or no row to compare")]
    found = _overlap(_shared(_hashes(test).whole, _hashes(train).whole), case.gate.max_shared_rows, test.rows)
    if found.leaks or not times or not set(others) - {case.schema.target}:
        return [_rows_entry(case, test, found)]
    bare = _shared(_hashes(test).bare, _hashes(train).bare)
    usual = max(bare.repeated, _stood_before(case, train, test.rows))
    moved = _overlap(replace(bare, repeated=usual), case.gate.max_shared_rows, test.rows)
    return [_rows_entry(case, test, moved if moved.leaks else found, moved=moved.leaks)]


def _hashes(table: Table) -> RowHashes:
    assert table.facts.hashes is not None
    return table.facts.hashes


@dataclass(frozen=True)
class Shared:
    """How many test rows also stand in train, where the first are, and the share of training rows that occur repeatedly."""

    count: int
    places: list[int]
    repeated: float


def _shared(test: Spilled, train: Spilled) -> Shared:
    count, again, first = 0, 0, np.empty(0, dtype=np.int64)
    for ours, theirs in aligned(test, train):
        keys = np.sort(theirs["key"])
        same = keys[1:] == keys[:-1]
        again += int(np.count_nonzero(np.append(same, False) | np.insert(same, 0, False))) if len(keys) else 0
        rows = ours["row"][_among(ours["key"], keys)]
        count += len(rows)
        first = np.sort(np.concatenate([first, rows]))[:SHOWN]
    return Shared(count, first.tolist(), again / train.rows)


def _among(keys: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    """Mark keys that are among sorted ones."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=bool)
    found: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys
    return found


@dataclass(frozen=True)
class Overlap:
    """Which test rows also stand in train, and how large a share of them may by chance."""

    shared: Shared
    rows: int
    limit: float

    @property
    def chance(self) -> float:
        return self.shared.repeated

    @property
    def observed(self) -> float:
        return self.shared.count / self.rows

    @property
    def leaks(self) -> bool:
        return self.chance <= TOO_COMMON and self.observed > self.limit


def _overlap(shared: Shared, allowed: float, rows: int) -> Overlap:
    chance = shared.repeated
    limit = allowed + chance + SIGMAS * math.sqrt(chance * (1 - min(chance, 1.0)) / rows)
    return Overlap(shared, rows, limit)


def _stood_before(case: DataCase, train: Table, rows: int) -> float:
    """Return the share of the latest training rows that also stand among the earlier ones, and a quarter of it on top.

    What comes again with time (the same flight, the same basket) does so in the test rows too, somewhat more or less often.
    """
    last = min(rows, train.rows // 4)
    if not case.schema.time or not last:
        return 0.0
    hashes, again = _hashes(train), 0
    since, above = largest(lambda: (part["time"] for part in hashes.timed()), last)
    ties = (part["row"][part["time"] == since].astype(np.uint64) for part in hashes.timed())
    tied = list(ties)
    from_row, _ = largest(lambda: iter(tied), last - above)
    for part in hashes.timed():
        latest = (part["time"] > since) | ((part["time"] == since) & (part["row"] >= int(from_row)))
        again += int(np.count_nonzero(_among(part["key"][latest], np.sort(part["key"][~latest]))))
    return 1.25 * again / last


def _rows_entry(case: DataCase, test: Table, found: Overlap, *, moved: bool = False) -> Rule:
    assert case.pair is not None
    if found.chance > TOO_COMMON:
        reason = f"{100 * found.chance:.3g} % of the training rows stand more than once: a leak cannot be told from chance"
        return silent(case, "leak.rows", reason, "declare a time or a group column, or drop the repeated rows")
    over = found.limit - case.gate.max_shared_rows
    said = f"{share(found.shared.count, test.rows)} rows also stand in {case.pair[0].name}"
    said += " under another time" if moved else ""
    said += f"; allowed at most {100 * found.limit:.3g} %" + (f", of which {100 * over:.3g} % by chance" if over else "")
    figures: dict[str, Any] = {"observed": found.observed, "limit": found.limit, "sample": test.rows}
    if not found.leaks:
        return passing(case, "leak.rows", said, **figures)
    next_step = "split the data again so that no row is in both; the scores of these rows say nothing"
    next_step = f"{next_step}. {AGAIN}" if moved else next_step
    said += f": rows {test.where(found.shared.places, found.shared.count)}"
    return failing(case, "leak.rows", test, said, next_step, unit="share", **figures)


def leak_group(case: DataCase) -> list[Rule]:
    """Judge that no value of the column `data.group` is in both train and test."""
    found = _both(case, "leak.group", case.schema.group)
    if isinstance(found, Rule):
        return [found]
    column, train, test = found
    known = test.facts.values.columns[column.name].known
    groups, rows, places, names = _shared_groups(train, test, column)
    if not groups:
        good = f"no value of '{column.name}' stands in both"
        return [passing(case, "leak.group", good, sample=known)]
    reason = (
        f"{groups} values also stand in {train.name}, in {share(rows, test.rows)} test rows; "
        f"allowed 0: rows {test.where(places, rows)}"
    )
    reason += "; values: " + ", ".join(names) if column.public else ""
    step = "split by group, so that each is in train or in test alone"
    facts: dict[str, Any] = {"observed": groups, "limit": 0.0, "unit": "groups", "sample": test.rows}
    return [failing(case, "leak.group", test, reason, step, column=column.name, **facts)]


def _shared_groups(train: Table, test: Table, column: Column) -> tuple[int, int, list[int], list[str]]:
    """Return how many groups are in both, in how many test rows, the positions of the first, and the first names of a public
    column."""
    ours, theirs = test.facts.groups, train.facts.groups
    assert ours is not None and theirs is not None
    groups, rows, first, keys = 0, 0, np.empty(0, dtype=np.int64), []
    for mine, other in aligned(ours.records, theirs.records):
        both = np.isin(_pairs(mine), _pairs(other))
        rows += int(np.count_nonzero(both))
        some = np.unique(_pairs(mine)[both])
        groups += len(some)
        keys.append(some["key"])
        first = np.sort(np.concatenate([first, mine["row"][both]]))[:SHOWN]
    names = set[str]()
    for _, columns in test.again(column.name) if groups and column.public else ():
        cells, wanted = columns[column.name], np.sort(np.concatenate(keys))
        found = cells.known_of(_among(hashed([cells], len(cells)), wanted))
        _, places = np.unique(cells.values[found], return_index=True)
        names |= {str(cells.value(row)) for row in np.flatnonzero(found)[places].tolist()}
        names = set(sorted(names)[:SHOWN])
    return groups, rows, first.tolist(), sorted(names)


def _pairs(records: Any) -> Any:
    return records[["key", "more"]].astype([("key", "<u8"), ("more", "<u8")])


def leak_time(case: DataCase) -> list[Rule]:
    """Judge that no training row is later, by the column `data.time`, than the earliest test row."""
    found = _both(case, "leak.time", case.schema.time)
    if isinstance(found, Rule):
        return [found]
    column, table, other = found
    first, last = (one.facts.times for one in (other, table))
    assert first is not None and last is not None
    if not last.last > first.first:
        reason = f"every training row is from the earliest test row's '{column.name}' or before"
        return [passing(case, "leak.time", reason, sample=table.rows)]
    late = _later(table, column, first.first)
    earliest = moment(first.first) if column.dtype == "datetime" else first.first
    earliest = bool(earliest) if column.dtype == "boolean" else earliest
    shown = f" ({earliest})" if column.public else ""
    reason = (
        f"{share(late.count, table.rows)} training rows are later than the earliest row of {other.name}{shown}; "
        f"allowed 0: rows {table.where(late.places, late.count)}"
    )
    step = "split by time: test rows come after all training rows"
    facts: dict[str, Any] = {"observed": late.count / table.rows, "limit": 0.0, "unit": "share", "sample": table.rows}
    return [failing(case, "leak.time", table, reason, step, column=column.name, **facts)]


def _later(table: Table, column: Column, first: Any) -> Faults:
    """Return the rows that are later than a time; the rows are read again."""
    found = Faults()
    for start, columns in table.again(column.name):
        cells = columns[column.name]
        if column.dtype == "string":
            after = np.array([text > first for text in cells.texts] or [False], dtype=bool)
            late = after[cells.values]
        else:
            late = cells.values > first
        found.add(Faults.of(cells.known_of(late)), start)
    return found


def _both(case: DataCase, name: str, column_name: str) -> tuple[Column, Table, Table] | Rule:
    """Return the role's column with train and test, or the entry that says why it cannot be judged."""
    if not column_name:
        return silent(case, name)
    if case.pair is None:
        return silent(case, name, ONE_FILE)
    column = case.schema.column(column_name)
    found = [table.column(column) for table in case.pair]
    if not all(facts is not None and facts.known for facts in found):
        return silent(case, name, f"'{column_name}' has no value to compare in train or in test")
    return column, *case.pair
