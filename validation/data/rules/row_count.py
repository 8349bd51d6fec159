"""Rule `row_count`: enough rows, and not many fewer than the data that passed before."""

from __future__ import annotations

from gateline.contracts.verdict import Rule
from validation.data.case import Case, Table
from validation.data.rules.entries import failing, passing


def row_count(case: Case) -> list[Rule]:
    """Judge each file's rows: at least `min_rows`, and `min_row_share` of those under its URL when it last passed."""
    entries = [entry for table in case.tables for entry in (_too_few(case, table) or _shrunk(case, table))]
    if entries:
        return entries
    fewest = min(table.rows for table in case.tables)
    named = ", ".join(f"{table.name}: {table.rows}" for table in case.tables)
    return [
        passing(
            case,
            "row_count",
            f"rows of {named}; allowed at least {case.gate.min_rows}",
            sample=sum(table.rows for table in case.tables),
            observed=fewest,
            limit=case.gate.min_rows,
        )
    ]


def _too_few(case: Case, table: Table) -> list[Rule]:
    limit = case.gate.min_rows
    if table.rows >= limit:
        return []
    reason = f"{table.rows} rows, below the limit {limit}"
    next_step = "write the file again if it was cut; otherwise add rows, or lower gates.data.min_rows"
    return [failing(case, "row_count", table, reason, next_step, observed=table.rows, limit=limit, unit="rows")]


def _shrunk(case: Case, table: Table) -> list[Rule]:
    earlier = case.earlier_rows.get(table.role, 0)
    limit = case.gate.min_row_share * earlier
    if table.rows >= limit:
        return []
    reason = (
        f"{table.rows} rows, {100 * table.rows / earlier:.3g} % of the {earlier} that passed before; "
        f"allowed at least {100 * case.gate.min_row_share:.3g} %"
    )
    next_step = "find out what cut the file; if it is meant to be shorter, lower gates.data.min_row_share"
    return [failing(case, "row_count", table, reason, next_step, observed=table.rows, limit=limit, unit="rows")]
