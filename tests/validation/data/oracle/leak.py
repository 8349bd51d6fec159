"""Rules `leak.rows`, `leak.group`, `leak.time`: what the test rows share with the training rows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.parts import SHOWN
from tests.validation.data.oracle.case import DataCase, Table
from tests.validation.data.oracle.entries import failing, passing, share, silent

ONE_FILE = "needs train and test data"
TOO_COMMON = 0.5
"""Where more training rows than this share repeat each other, a repeated test row says nothing."""
AGAIN = "Where the same things come again in each period, name what they are of in data.group, or raise max_shared_rows"
MIXING = np.uint64(0x9E3779B97F4A7C15)
Hashes = npt.NDArray[np.uint64]
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
    wanted = {column.name for column in case.schema.features} | {case.schema.target, case.schema.time}
    names = [column.name for column in case.schema.columns if column.name in wanted]
    there = all(name in table.columns for table in case.pair for name in names)
    if not (names and there and train.rows and test.rows):
        return [silent(case, "leak.rows", "train and test hold no column or no row to compare")]
    (rows, bare), (others, bare_others) = _row_hashes(test, names), _row_hashes(train, names)
    found = _overlap(rows, others, _repeated(others), case.gate.max_shared_rows)
    if found.leaks or bare is None or bare_others is None:
        return [_rows_entry(case, test, found)]
    usual = max(_repeated(bare_others), _stood_before(case, train, bare_others, test.rows))
    moved = _overlap(bare, bare_others, usual, case.gate.max_shared_rows)
    return [_rows_entry(case, test, moved if moved.leaks else found, moved=moved.leaks)]


@dataclass(frozen=True)
class Overlap:
    """Which test rows also stand in train, and how large a share of them may by chance."""

    shared: npt.NDArray[np.bool_]
    chance: float
    limit: float

    @property
    def observed(self) -> float:
        return float(self.shared.mean())

    @property
    def leaks(self) -> bool:
        return self.chance <= TOO_COMMON and self.observed > self.limit


def _overlap(rows: Hashes, others: Hashes, chance: float, allowed: float) -> Overlap:
    limit = allowed + chance + SIGMAS * math.sqrt(chance * (1 - min(chance, 1.0)) / len(rows))
    return Overlap(np.isin(rows, others), chance, limit)


def _repeated(hashes: Hashes) -> float:
    """Return the share of rows that stand more than once."""
    return float(pd.Series(hashes).duplicated(keep=False).mean())


def _stood_before(case: DataCase, train: Table, hashes: Hashes, rows: int) -> float:
    """Return the share of the latest training rows that also stand among the earlier ones, and a quarter of it on top.

    What comes again with time (the same flight, the same basket) does so in the test rows too, somewhat more or less often.
    """
    time = case.schema.time
    if not time or time not in train.columns:
        return 0.0
    values = train.columns[time].values.reset_index(drop=True)
    order = values.sort_values(kind="stable").index.to_numpy()
    last = min(rows, len(order) // 4)
    latest, earlier = hashes[order[len(order) - last :]], hashes[order[: len(order) - last]]
    return 1.25 * float(np.isin(latest, earlier).mean()) if last else 0.0


def _rows_entry(case: DataCase, test: Table, found: Overlap, *, moved: bool = False) -> Rule:
    assert case.pair is not None
    if found.chance > TOO_COMMON:
        reason = f"{100 * found.chance:.3g} % of the training rows stand more than once: a leak cannot be told from chance"
        return silent(case, "leak.rows", reason, "declare a time or a group column, or drop the repeated rows")
    over = found.limit - case.gate.max_shared_rows
    said = f"{share(int(found.shared.sum()), test.rows)} rows also stand in {case.pair[0].name}"
    said += " under another time" if moved else ""
    said += f"; allowed at most {100 * found.limit:.3g} %" + (f", of which {100 * over:.3g} % by chance" if over else "")
    figures: dict[str, Any] = {"observed": found.observed, "limit": found.limit, "sample": test.rows}
    if not found.leaks:
        return passing(case, "leak.rows", said, **figures)
    next_step = "split the data again so that no row is in both; the scores of these rows say nothing"
    next_step = f"{next_step}. {AGAIN}" if moved else next_step
    return failing(case, "leak.rows", test, f"{said}: rows {test.places(found.shared)}", next_step, unit="share", **figures)


def leak_group(case: DataCase) -> list[Rule]:
    """Judge that no value of the column `data.group` is in both train and test."""
    found = _both(case, "leak.group", case.schema.group)
    if isinstance(found, Rule):
        return [found]
    column, train_table, table = found
    train, test = train_table.columns[column.name], table.columns[column.name]
    groups = set(test.values[test.known]) & set(train.values[train.known])
    both = test.values.isin(groups).to_numpy(bool) & test.known
    if not groups:
        good = f"no value of '{column.name}' stands in both"
        return [passing(case, "leak.group", good, sample=int(test.known.sum()))]
    reason = (
        f"{len(groups)} values also stand in {train_table.name}, in {share(int(both.sum()), table.rows)} test rows; "
        f"allowed 0: rows {table.places(both)}"
    )
    reason += "; values: " + ", ".join(sorted(map(str, groups))[:SHOWN]) if column.public else ""
    step = "split by group, so that each is in train or in test alone"
    facts: dict[str, Any] = {"observed": len(groups), "limit": 0.0, "unit": "groups", "sample": table.rows}
    return [failing(case, "leak.group", table, reason, step, column=column.name, **facts)]


def leak_time(case: DataCase) -> list[Rule]:
    """Judge that no training row is later, by the column `data.time`, than the earliest test row."""
    found = _both(case, "leak.time", case.schema.time)
    if isinstance(found, Rule):
        return [found]
    column, table, other = found
    train, test = table.columns[column.name], other.columns[column.name]
    first = test.values[test.known].min()
    late = (train.values > first).fillna(False).to_numpy(bool) & train.known
    if not late.any():
        reason = f"every training row is from the earliest test row's '{column.name}' or before"
        return [passing(case, "leak.time", reason, sample=table.rows)]
    shown = f" ({first})" if column.public else ""
    reason = (
        f"{share(int(late.sum()), table.rows)} training rows are later than the earliest row of {other.name}{shown}; "
        f"allowed 0: rows {table.places(late)}"
    )
    step = "split by time: test rows come after all training rows"
    facts: dict[str, Any] = {"observed": float(late.mean()), "limit": 0.0, "unit": "share", "sample": table.rows}
    return [failing(case, "leak.time", table, reason, step, column=column.name, **facts)]


def _both(case: DataCase, name: str, column_name: str) -> tuple[Column, Table, Table] | Rule:
    """Return the role's column with train and test, or the entry that says why it cannot be judged."""
    if not column_name:
        return silent(case, name)
    if case.pair is None:
        return silent(case, name, ONE_FILE)
    column = case.schema.column(column_name)
    found = [table.typed(column) for table in case.pair]
    if not all(values is not None and values.known.any() for values in found):
        return silent(case, name, f"'{column_name}' has no value to compare in train or in test")
    return column, *case.pair


def _row_hashes(table: Table, names: list[str]) -> tuple[Hashes, Hashes | None]:
    """Return one hash a row, shape (n,), over the typed values, so that `1` and `1.0` are the same; and one without the times,
    or None where there are none, or nothing else than the target."""
    schema = table.schema  # the time column may be counted: seconds, months as 202501
    times = [name for name in names if name == schema.time or schema.column(name).dtype == "datetime"]
    times = [name for name in times if name != schema.target]
    others = [name for name in names if name not in times]
    bare = _hashed(table, others)
    if not times:
        return bare, None
    return bare * MIXING ^ _hashed(table, times), bare if set(others) - {schema.target} else None


def _hashed(table: Table, names: list[str]) -> Hashes:
    if not names:
        return np.zeros(table.rows, dtype=np.uint64)
    frame = pd.DataFrame({name: table.columns[name].values.reset_index(drop=True) for name in names})
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)
