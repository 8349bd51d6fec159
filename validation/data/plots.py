"""What a data verdict shows: missing values against their limits, rows, and numbers against their ranges."""

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Plot, Series
from validation.data.case import DataCase, Table

ABSENT = "–"


def plots(case: DataCase) -> list[Plot]:
    return [_nulls(case), _rows(case), *_ranges(case)]


def _nulls(case: DataCase) -> Plot:
    columns = case.schema.columns
    names, series = tuple(column.name for column in columns), []
    for table in case.tables:
        found = [table.column(column) for column in columns]
        shares = [100 * (one.missing.count / one.rows) if one is not None and one.rows else None for one in found]
        series.append(Series(name=table.role, x=names, y=tuple(shares)))
    series.append(Series(name="limit", x=names, y=tuple(100 * column.nullable for column in columns)))
    labels = {"x_label": "column", "y_label": "% of rows", "note": "rule nulls"}
    return Plot(title="Missing values", kind="bar", series=tuple(series), **labels)


def _rows(case: DataCase) -> Plot:
    names = tuple(table.name for table in case.tables)
    rows = Series(name="rows", x=names, y=tuple(float(table.rows) for table in case.tables))
    limit = Series(name="limit", x=names, y=(float(case.gate.min_rows),) * len(names))
    return Plot(title="Rows", kind="bar", x_label="file", y_label="rows", series=(rows, limit), note="rule row_count")


def _ranges(case: DataCase) -> list[Plot]:
    numeric = [column for column in case.schema.columns if column.dtype in ("integer", "number")]
    if not numeric:
        return []
    seen = [f"{end} in {table.role}" for table in case.tables for end in ("least", "greatest")]
    cells: list[tuple[float | str, ...]] = []
    for column in numeric:
        declared = [ABSENT if end is None else end for end in (column.minimum, column.maximum)]
        cells.append((*declared, *(cell for table in case.tables for cell in _ends(table, column))))
    return [
        Plot(
            title="Numbers against their declared ranges",
            kind="table",
            rows=tuple(column.name for column in numeric),
            columns=("declared minimum", "declared maximum", *seen),
            cells=tuple(cells),
            note="rule range; values are shown of columns declared public",
        )
    ]


def _ends(table: Table, column: Column) -> tuple[float | str, float | str]:
    facts = table.column(column)
    if not column.public:
        return "not public", "not public"
    if facts is None or not facts.known:
        return ABSENT, ABSENT
    return facts.least, facts.greatest
