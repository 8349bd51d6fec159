"""The one way a data rule looks at columns, and how it says what it found: file, column, count and share, rows, limit."""

from __future__ import annotations

from collections.abc import Callable

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Outcome, Rule, unknown
from gateline.rows.reading import SHOWN
from gateline.rows.typed import Mask, Typed
from gateline.settings.shown import shown
from validation.data.case import Case, Table

UNDECLARED = "nothing declared"
Wrong = Callable[[Typed, Column], Mask]


def passing(
    case: Case, name: str, reason: str, *, sample: int, observed: float | None = 0.0, limit: float | None = 0.0
) -> Rule:
    """Say that everything declared was looked at, on `sample` values, and holds."""
    return Rule(
        name=name,
        outcome=Outcome.PASS,
        reason=reason,
        required=name in case.gate.required,
        observed=observed,
        limit=limit,
        sample=sample,
    )


def failing(
    case: Case, name: str, table: Table, reason: str, next_step: str, *, column: str = "", **numbers: float | str | None
) -> Rule:
    """Say what is wrong with a file, or a column of it. `numbers`: observed, limit, unit, sample."""
    subject = f"{table.name}: {column}" if column else table.name
    body = {"name": name, "outcome": Outcome.FAIL, "reason": f"{subject}: {reason}", "subject": subject}
    return Rule.model_validate(
        {**body, "next_step": next_step, "required": name in case.gate.required, **numbers},
    )


def silent(case: Case, name: str, reason: str = UNDECLARED, next_step: str = "") -> Rule:
    """Say that the rule could not judge, and why: nothing is declared for it, or the data does not let it."""
    return unknown(name, reason, required=name in case.gate.required, next_step=next_step)


def share(count: int, total: int) -> str:
    """Return `12 of 30000 (0.04 %)`."""
    return f"{count} of {total} ({100 * count / total:.3g} %)" if total else f"{count} of 0"


def examples(values: Typed, mask: Mask, column: Column) -> str:
    """Return the first different values where `mask` holds, as they were read, for a public column; otherwise nothing."""
    if not column.public:
        return ""
    distinct = values.found[mask].drop_duplicates().head(SHOWN)
    return "; values: " + ", ".join(shown(value) for value in distinct)


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
