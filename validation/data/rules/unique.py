"""Rule `unique`: unique columns, and the key columns together, hold no value twice within a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Mask
from gateline.settings.shown import shown
from validation.data.case import Case, Table
from validation.data.rules.entries import failing, passing, share, silent


def unique(case: Case) -> list[Rule]:
    """Judge that no value of a `unique` column stands twice (missing ones apart), nor one of the `key` columns together."""
    groups: list[tuple[Column, ...]] = [(column,) for column in case.schema.columns if column.unique]
    keys = tuple(column for column in case.schema.columns if column.key)
    groups += [keys] if keys and keys not in groups else []
    if not groups:
        return [silent(case, "unique")]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for group in groups:
            if table.rows and all(table.typed(column) is not None for column in group):
                sample += table.rows
                repeats = _repeats(table, group)
                entries += [_entry(case, table, group, repeats)] if repeats.any() else []
    if entries:
        return entries
    if not sample:
        return [silent(case, "unique", "there is no row to judge", "see the rules format, columns and row_count")]
    named = ", ".join(_named(group) for group in groups)
    return [passing(case, "unique", f"no value of {named} stands twice", sample=sample)]


def _repeats(table: Table, group: tuple[Column, ...]) -> Mask:
    """Mark every row whose value stood in an earlier row."""
    values = pd.DataFrame({column.name: table.columns[column.name].values.reset_index(drop=True) for column in group})
    repeats = values.duplicated().to_numpy(bool)
    return repeats if len(group) > 1 or group[0].key else repeats & table.columns[group[0].name].known


def _entry(case: Case, table: Table, group: tuple[Column, ...], repeats: Mask) -> Rule:
    count = int(repeats.sum())
    reason = f"{share(count, table.rows)} rows repeat an earlier value of {_named(group)}: rows {table.places(repeats)}"
    return failing(
        case,
        "unique",
        table,
        reason + _examples(table, group, repeats),
        "remove the repeated rows where they are made, often a join or a second delivery",
        column=", ".join(column.name for column in group),
        observed=count / table.rows,
        limit=0.0,
        unit="share",
        sample=table.rows,
    )


def _examples(table: Table, group: tuple[Column, ...], repeats: Mask) -> str:
    if not all(column.public for column in group):
        return ""
    first = int(np.flatnonzero(repeats)[0])
    value: list[Any] = [table.columns[column.name].found.iloc[first] for column in group]
    return "; the first: " + ", ".join(map(shown, value))


def _named(group: tuple[Column, ...]) -> str:
    return " + ".join(f"'{column.name}'" for column in group)
