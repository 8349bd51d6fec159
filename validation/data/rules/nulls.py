"""Rule `nulls`: no column misses more values than it may."""

from __future__ import annotations

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.rows.typed import Typed
from validation.data.case import Case, Table
from validation.data.rules.entries import failing, passing, share, silent


def nulls(case: Case) -> list[Rule]:
    """Judge each column's share of missing values against its `nullable` (0 where none is declared)."""
    found = [
        (table, column, values)
        for table in case.tables
        for column in case.schema.columns
        if (values := table.typed(column)) is not None and len(values.missing)
    ]
    if not found:
        return [silent(case, "nulls", "there is no row to judge", "see the rules format, columns and row_count")]
    entries = [_entry(case, *one) for one in found if one[2].missing.mean() > one[1].nullable]
    return entries or [_passing(case, found)]


def _entry(case: Case, table: Table, column: Column, values: Typed) -> Rule:
    count, total = int(values.missing.sum()), len(values.missing)
    reason = (
        f"{share(count, total)} values are missing, above the limit {100 * column.nullable:.3g} %: "
        f"rows {table.places(values.missing)}"
    )
    return failing(
        case,
        "nulls",
        table,
        reason,
        "find the source that stopped filling it, or raise the column's nullable",
        column=column.name,
        observed=count / total,
        limit=column.nullable,
        unit="share",
        sample=total,
    )


def _passing(case: Case, found: list[tuple[Table, Column, Typed]]) -> Rule:
    table, column, values = max(found, key=lambda one: one[2].missing.mean() / (one[1].nullable or 1))
    observed = float(values.missing.mean())
    reason = (
        f"all {len(case.schema.columns)} columns are within their limits; nearest to its own: '{column.name}' of {table.name} "
        f"with {100 * observed:.3g} % missing, allowed {100 * column.nullable:.3g} %"
    )
    sample = sum(table.rows for table in case.tables)
    return passing(case, "nulls", reason, sample=sample, observed=observed, limit=column.nullable)
