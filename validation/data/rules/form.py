"""Rules `format` and `encoding`: the file itself, before any column is looked at."""

from __future__ import annotations

from typing import Literal

from gateline.contracts.verdict import Rule
from gateline.rows.parts import Finding
from gateline.rows.reading import SHOWN
from validation.data.case import Case, Table
from validation.data.rules.entries import failing, passing, share, silent


def formats(case: Case) -> list[Rule]:
    """Judge the form of each file: ragged rows, a column name that stands twice, cut, empty and unreadable files."""
    return _findings(case, "format") or [passing(case, "format", "every file is whole", sample=_files(case))]


def encodings(case: Case) -> list[Rule]:
    """Judge that text files are UTF-8 without a byte order mark, NUL bytes or traces of an earlier wrong decoding."""
    if not any(part.text for table in case.tables for part in table.raw.parts):
        return [silent(case, "encoding", "no text file: Parquet carries its own encoding")]
    return _findings(case, "encoding") or [
        passing(case, "encoding", "every text file is UTF-8 without a byte order mark", sample=_files(case))
    ]


def _findings(case: Case, name: Literal["format", "encoding"]) -> list[Rule]:
    return [
        _entry(case, name, table, part.name, finding)
        for table in case.tables
        for part in table.raw.parts
        for finding in part.findings
        if finding.rule == name
    ]


def _entry(case: Case, name: str, table: Table, part: str, finding: Finding) -> Rule:
    where = f"{part}: " if part else ""
    if not finding.rows:
        return failing(case, name, table, where + finding.reason, finding.next_step)
    shown = ", ".join(map(str, finding.rows[:SHOWN]))
    more = f" and {len(finding.rows) - SHOWN} more" if len(finding.rows) > SHOWN else ""
    reason = f"{where}{share(len(finding.rows), finding.total)} rows: {finding.reason}: rows {shown}{more}"
    observed = len(finding.rows) / finding.total
    return failing(
        case, name, table, reason, finding.next_step, observed=observed, limit=0.0, unit="share", sample=finding.total
    )


def _files(case: Case) -> int:
    return sum(len(table.raw.parts) for table in case.tables)
