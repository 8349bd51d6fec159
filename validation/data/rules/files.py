"""Rules on each file as a whole: `format`, `encoding`, `columns`, `row_count`."""

from collections.abc import Iterator
from typing import Any, Literal

from gateline.contracts.verdict import Rule
from gateline.rows.parts import Part, some_of
from gateline.settings.errors import did_you_mean
from gateline.settings.shown import shown
from validation.data.case import DataCase, Table
from validation.data.rules.entries import failing, passing, share, silent


def formats(case: DataCase) -> list[Rule]:
    """Judge the form of each file: ragged rows, a repeated column name, truncated, empty and unreadable files."""
    return _findings(case, "format", "every file is whole")


def encodings(case: DataCase) -> list[Rule]:
    """Judge that text files are UTF-8 without a byte order mark, NUL bytes or traces of an earlier wrong decoding."""
    if not any(part.text for table in case.tables for part in table.parts):
        return [silent(case, "encoding", "no text file: Parquet carries its own encoding")]
    return _findings(case, "encoding", "every text file is UTF-8 without a byte order mark")


def _findings(case: DataCase, name: Literal["format", "encoding"], good: str) -> list[Rule]:
    parts = [(table, part) for table in case.tables for part in table.parts]
    entries = []
    for table, part in parts:
        for finding in (each for each in part.findings if each.rule == name):
            where, rows = f"{part.name}: " if part.name else "", len(finding.rows)
            if not rows:
                entries.append(failing(case, name, table, where + finding.reason, finding.next_step))
                continue
            reason = f"{where}{share(rows, finding.total)} rows: {finding.reason}: rows {some_of(finding.rows, rows)}"
            facts: dict[str, Any] = {"observed": rows / finding.total, "limit": 0.0, "unit": "share", "sample": finding.total}
            entries.append(failing(case, name, table, reason, finding.next_step, **facts))
    return entries or [passing(case, name, good, sample=len(parts))]


def columns(case: DataCase) -> list[Rule]:
    """Judge each file's header: every declared column, no other unless `extra_columns` allows it; order does not matter."""
    tables = [table for table in case.tables if any(part.names() for part in table.parts)]
    if not tables:
        return [silent(case, "columns", "no file has a readable header", "see the rule format")]
    entries = [entry for table in tables for part in table.parts for entry in _header(case, table, part)]
    declared = len(case.schema.columns)
    good = f"all {declared} declared columns are there, and no other"
    return entries or [passing(case, "columns", good, sample=declared)]


def _header(case: DataCase, table: Table, part: Part) -> Iterator[Rule]:
    declared, names = [column.name for column in case.schema.columns], part.names()
    where = f"{part.name}: " if part.name else ""
    missing = [name for name in declared if name not in names]
    extra = [name for name in part.table.column_names if name not in declared]
    numbers: dict[str, Any] = {"limit": 0.0, "unit": "columns", "sample": len(declared)}
    if missing and names:
        listed = ", ".join(f"'{name}'{did_you_mean(name, extra)}" for name in missing)
        reason, step = f"{where}declared, but missing: {listed}", "restore them, or change the schema"
        yield failing(case, "columns", table, reason, step, observed=len(missing), **numbers)
    if extra and case.schema.extra_columns == "forbid":
        reason = f"{where}not declared: " + ", ".join(f"'{shown(name)}'" for name in extra)
        step = 'declare them, drop them, or set "extra_columns": "allow" in the schema'
        yield failing(case, "columns", table, reason, step, observed=len(extra), **numbers)


def row_count(case: DataCase) -> list[Rule]:
    """Judge each file's rows: at least `min_rows`, and `min_row_share` of those under its URL when it last passed."""
    entries, gate = [], case.gate
    for table in case.tables:
        earlier = case.earlier_rows.get(table.role, 0)
        limit, reason = float(gate.min_rows), f"{table.rows} rows, below the limit {gate.min_rows}"
        step = "write the file again if it was cut; otherwise add rows, or lower gates.data.min_rows"
        if table.rows >= gate.min_rows and earlier:
            limit = gate.min_row_share * earlier
            reason = f"{table.rows} rows, {100 * table.rows / earlier:.3g} % of the {earlier} that passed before; "
            reason += f"allowed at least {100 * gate.min_row_share:.3g} %"
            step = "find out what cut the file; if it is meant to be shorter, lower gates.data.min_row_share"
        if table.rows < limit:
            facts: dict[str, Any] = {"observed": table.rows, "limit": limit, "unit": "rows"}
            entries.append(failing(case, "row_count", table, reason, step, **facts))
    named = ", ".join(f"{table.name}: {table.rows}" for table in case.tables)
    fewest, rows = min(table.rows for table in case.tables), sum(table.rows for table in case.tables)
    good = f"rows of {named}; allowed at least {gate.min_rows}"
    return entries or [passing(case, "row_count", good, sample=rows, observed=fewest, limit=gate.min_rows)]
