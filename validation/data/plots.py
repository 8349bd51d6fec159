"""What a data verdict shows: missing values against their limits, rows, and numbers against their ranges."""

from __future__ import annotations

import numpy as np

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Plot, Series
from validation.data.case import Case, Table
from validation.matrix import numbers_of

HIDDEN = "not public"
ABSENT = "–"


def plots(case: Case) -> list[Plot]:
    """Return the plots of one judgement."""
    return [_nulls(case), _rows(case), *_ranges(case)]


def _nulls(case: Case) -> Plot:
    names = tuple(column.name for column in case.schema.columns)
    shares = [
        Series(name=table.role, x=names, y=tuple(_missing(table, column) for column in case.schema.columns))
        for table in case.tables
    ]
    limit = Series(name="limit", x=names, y=tuple(100 * column.nullable for column in case.schema.columns))
    return Plot(
        title="Missing values",
        kind="bar",
        x_label="column",
        y_label="% of rows",
        series=(*shares, limit),
        note="rule nulls",
    )


def _missing(table: Table, column: Column) -> float | None:
    values = table.typed(column)
    return 100 * float(values.missing.mean()) if values is not None and len(values.missing) else None


def _rows(case: Case) -> Plot:
    names = tuple(table.name for table in case.tables)
    rows = Series(name="rows", x=names, y=tuple(float(table.rows) for table in case.tables))
    limit = Series(name="limit", x=names, y=(float(case.gate.min_rows),) * len(names))
    return Plot(title="Rows", kind="bar", x_label="file", y_label="rows", series=(rows, limit), note="rule row_count")


def _ranges(case: Case) -> list[Plot]:
    numeric = [column for column in case.schema.columns if column.dtype in ("integer", "number")]
    if not numeric:
        return []
    seen = [f"{end} in {table.role}" for table in case.tables for end in ("least", "greatest")]
    return [
        Plot(
            title="Numbers against their declared ranges",
            kind="table",
            rows=tuple(column.name for column in numeric),
            columns=("declared minimum", "declared maximum", *seen),
            cells=tuple(_cells(case, column) for column in numeric),
            note="rule range; values are shown of columns declared public",
        )
    ]


def _cells(case: Case, column: Column) -> tuple[float | str, ...]:
    declared = [ABSENT if end is None else end for end in (column.minimum, column.maximum)]
    return (*declared, *(cell for table in case.tables for cell in _ends(table, column)))


def _ends(table: Table, column: Column) -> tuple[float | str, float | str]:
    values = table.typed(column)
    if not column.public:
        return HIDDEN, HIDDEN
    if values is None or not values.known.any():
        return ABSENT, ABSENT
    numbers = numbers_of(values.values, column)
    return float(np.nanmin(numbers)), float(np.nanmax(numbers))
