"""How a data rule says what it found: file, column, count and share, rows, limit."""

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Outcome, Rule, ruled, unknown
from gateline.rows.parts import SHOWN
from gateline.rows.typed import Typed
from gateline.settings.shown import shown
from tests.validation.data.oracle.case import DataCase, Table
from tests.validation.data.oracle.typed import Mask

NO_ROW = "there is no row to judge"
SEE_THE_OTHERS = "see the rules format, columns and row_count"


def passing(
    case: DataCase, name: str, reason: str, *, sample: int, observed: float | None = 0.0, limit: float | None = 0.0
) -> Rule:
    """Say that everything declared was looked at, on `sample` values, and holds."""
    facts = {"observed": observed, "limit": limit, "sample": sample}
    return ruled(name, Outcome.PASS, reason, required=name in case.gate.required, **facts)


def failing(
    case: DataCase, name: str, table: Table, reason: str, next_step: str, *, column: str = "", **numbers: float | str | None
) -> Rule:
    """Say what is wrong with a file, or a column of it. `numbers`: observed, limit, unit, sample."""
    subject = f"{table.name}: {column}" if column else table.name
    facts = {"subject": subject, "next_step": next_step, "required": name in case.gate.required, **numbers}
    return ruled(name, Outcome.FAIL, f"{subject}: {reason}", **facts)


def silent(case: DataCase, name: str, reason: str = "nothing declared", next_step: str = "") -> Rule:
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
