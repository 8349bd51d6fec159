"""The one way a rule looks at every declared column of every file."""

from __future__ import annotations

from collections.abc import Callable

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Mask, Typed
from validation.data.case import Case, Table
from validation.data.rules.entries import examples, failing, passing, share, silent

Wrong = Callable[[Typed, Column], Mask]


def columnwise(
    case: Case,
    name: str,
    *,
    declared: Callable[[Column], bool],
    wrong: Wrong,
    fault: Callable[[Column], str],
    next_step: Callable[[Column], str],
) -> list[Rule]:
    """Return one failing entry for each column with a wrong value, or one entry that says all hold.

    `wrong` marks, among a column's values, those that break the rule; `fault` says in words what they are.
    """
    columns = [column for column in case.schema.columns if declared(column)]
    if not columns:
        return [silent(case, name)]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for column in columns:
            values = table.typed(column)
            if values is None:
                continue
            mask = wrong(values, column)
            sample += int(values.known.sum())
            if mask.any():
                entries.append(_entry(case, name, table, column, values, mask, fault(column), next_step(column)))
    if entries:
        return entries
    if not sample:
        return [silent(case, name, "there is no value to judge", "see the rules format, columns and row_count")]
    return [passing(case, name, f"all {sample} values hold (columns judged: {len(columns)})", sample=sample)]


def _entry(
    case: Case, name: str, table: Table, column: Column, values: Typed, mask: Mask, fault: str, next_step: str
) -> Rule:
    count, total = int(mask.sum()), int((~values.missing).sum())
    reason = f"{share(count, total)} values {fault}: rows {table.places(mask)}{examples(values, mask, column)}"
    return failing(
        case,
        name,
        table,
        reason,
        next_step,
        column=column.name,
        observed=count / total,
        limit=0.0,
        unit="share",
        sample=total,
    )
