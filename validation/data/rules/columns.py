"""Rule `columns`: every declared column is there, and no other unless the schema allows it. Their order does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateline.contracts.verdict import Rule
from gateline.rows.parts import Part
from gateline.settings.errors import did_you_mean
from gateline.settings.shown import shown
from validation.data.case import Case, Table
from validation.data.rules.entries import failing, passing, silent


def columns(case: Case) -> list[Rule]:
    """Judge each file's header: every declared column, no other unless `extra_columns` allows it; order does not matter."""
    tables = [table for table in case.tables if table.readable]
    if not tables:
        return [silent(case, "columns", "no file has a readable header", "see the rule format")]
    entries = [entry for table in tables for part in table.raw.parts for entry in _entries(case, table, part)]
    declared = len(case.schema.columns)
    return entries or [
        passing(case, "columns", f"all {declared} declared columns are there, and no other", sample=declared)
    ]


def _entries(case: Case, table: Table, part: Part) -> Iterator[Rule]:
    declared = [column.name for column in case.schema.columns]
    where = f"{part.name}: " if part.name else ""
    names = part.names()
    missing = [name for name in declared if name not in names]
    extra = [name for name in part.table.column_names if name not in declared]
    numbers: dict[str, Any] = {"limit": 0.0, "unit": "columns", "sample": len(declared)}
    if missing and names:
        reason = f"{where}declared, but missing: " + ", ".join(
            f"'{name}'{did_you_mean(name, extra)}" for name in missing
        )
        yield failing(
            case, "columns", table, reason, "restore them, or change the schema", observed=len(missing), **numbers
        )
    if extra and case.schema.extra_columns == "forbid":
        reason = f"{where}not declared: " + ", ".join(f"'{shown(name)}'" for name in extra)
        next_step = 'declare them, drop them, or set "extra_columns": "allow" in the schema'
        yield failing(case, "columns", table, reason, next_step, observed=len(extra), **numbers)
