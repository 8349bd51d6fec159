"""Rules on the values of a column: `dtype`, `range`, `category`, `pattern`, `sentinel`, `nulls`, `unique`."""

from collections.abc import Callable
from typing import Any, Literal

from gateline.contracts.schema import Column
from gateline.contracts.verdict import Rule
from gateline.settings.shown import shown
from validation.data.case import DataCase, Table
from validation.data.facts.rows import Repeats, groups_of
from validation.data.facts.values import ColumnFacts, Faults, has_range
from validation.data.rules.entries import NO_ROW, SEE_THE_OTHERS, examples, failing, passing, share, silent

Wrong = Callable[[Table, Column, ColumnFacts], Faults]
FEWEST = 3
"""Times that one value must stand outside the range to be taken for a sentinel."""
MOST = 0.9
"""Share of all values outside the range that it must make up."""


def dtypes(case: DataCase) -> list[Rule]:
    """Judge that every value is of its column's `dtype`, and no number is infinite."""
    step = "correct the values where they are made, or declare another dtype"
    return _columnwise(
        case, "dtype", lambda column: True, _counted("wrong"), lambda one: f"are not of dtype {one.dtype}", step
    )


def ranges(case: DataCase) -> list[Rule]:
    """Judge that every number is between the declared `minimum` and `maximum`."""

    def fault(column: Column) -> str:
        low, high = column.minimum, column.maximum
        if low is None or high is None:
            return f"are outside {'at most' if low is None else 'at least'} {high if low is None else low:g}"
        return f"are outside {low:.12g} to {high:.12g}"

    step = "look for a changed unit or a broken source; widen the range only if such values are right"
    return _columnwise(case, "range", has_range, _counted("outside"), fault, step)


def categories(case: DataCase) -> list[Rule]:
    """Judge that every value is one of the declared `categories`."""
    return _columnwise(
        case,
        "category",
        lambda column: column.categories is not None,
        _counted("uncategorised"),
        lambda column: f"are none of the {len(column.categories or ())} declared categories",
        "declare the new category and train again, or correct the values",
    )


def patterns(case: DataCase) -> list[Rule]:
    """Judge that every whole string matches the declared `pattern`."""
    return _columnwise(
        case,
        "pattern",
        lambda column: column.pattern is not None,
        _counted("unmatched"),
        lambda column: f"do not match {column.pattern!r}",
        "correct the values, or the pattern",
    )


def sentinels(case: DataCase) -> list[Rule]:
    """Judge that no declared value of `sentinels` stands for 'missing', nor one repeated value outside a declared range."""
    return _columnwise(
        case,
        "sentinel",
        lambda column: bool(column.sentinels) or has_range(column),
        standing_for_missing,
        lambda column: "stand for 'missing'",
        "write missing values as empty, where the data is made",
    )


def nulls(case: DataCase) -> list[Rule]:
    """Judge each column's share of missing values against its `nullable` (0 where none is declared)."""
    found = [
        (table, column, facts)
        for table in case.tables
        for column in case.schema.columns
        if (facts := table.column(column)) is not None and facts.rows
    ]
    if not found:
        return [silent(case, "nulls", NO_ROW, SEE_THE_OTHERS)]
    entries = []
    for table, column, facts in found:
        count, rows = facts.missing.count, facts.rows
        if count / rows > column.nullable:
            limit, where = f"{100 * column.nullable:.3g} %", table.where(facts.missing.places, count)
            reason = f"{share(count, rows)} values are missing, above the limit {limit}: rows {where}"
            step = "find the source that stopped filling it, or raise the column's nullable"
            numbers = _facts(column.name, count, rows) | {"limit": column.nullable}
            entries.append(failing(case, "nulls", table, reason, step, **numbers))
    table, column, facts = max(found, key=lambda one: one[2].missing.count / one[2].rows / (one[1].nullable or 1))
    observed = facts.missing.count / facts.rows
    reason = (
        f"all {len(case.schema.columns)} columns are within their limits; nearest to its own: '{column.name}' of {table.name} "
        f"with {100 * observed:.3g} % missing, allowed {100 * column.nullable:.3g} %"
    )
    rows = sum(table.rows for table in case.tables)
    return entries or [passing(case, "nulls", reason, sample=rows, observed=observed, limit=column.nullable)]


def unique(case: DataCase) -> list[Rule]:
    """Judge that no value of a `unique` column occurs twice (except missing ones), nor one of the `key` columns together.
    Hashes of the values that need more than `hashes_mb` are kept in temporary files.
    """
    groups = groups_of(case.schema)
    if not groups:
        return [silent(case, "unique")]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for repeats in table.facts.repeats:
            if table.rows and all(column.name in table.facts.held for column in repeats.group):
                sample += table.rows
                entries += _repeated(case, table, repeats)
    if not sample:
        return [silent(case, "unique", NO_ROW, SEE_THE_OTHERS)]
    named = ", ".join(map(_named, groups))
    return entries or [passing(case, "unique", f"no value of {named} stands twice", sample=sample)]


def _repeated(case: DataCase, table: Table, repeats: Repeats) -> list[Rule]:
    """Find every row whose value stood in an earlier row."""
    count, places = repeats.found()
    group, names = repeats.group, [column.name for column in repeats.group]
    if not count:
        return []
    reason = f"{share(count, table.rows)} rows repeat an earlier value of {_named(group)}: rows {table.where(places, count)}"
    if all(column.public for column in group):
        reason += "; the first: " + ", ".join(map(shown, _written(table, places[0], names)))
    step = "remove the repeated rows where they are made, often a join or a second delivery"
    return [failing(case, "unique", table, reason, step, **_facts(", ".join(names), count, table.rows))]


def _written(table: Table, position: int, names: list[str]) -> list[Any]:
    """Return the values of a row as they were read."""
    for start, columns in table.again(*names):
        if position < start + len(columns[names[0]]):
            return [columns[name].written_at(position - start) for name in names]
    raise IndexError(position)


def _named(group: tuple[Column, ...]) -> str:
    return " + ".join(f"'{column.name}'" for column in group)


def _facts(column: str, count: int, total: int) -> dict[str, Any]:
    return {"column": column, "observed": count / total, "limit": 0.0, "unit": "share", "sample": total}


def _columnwise(
    case: DataCase,
    name: str,
    declared: Callable[[Column], bool],
    wrong: Wrong,
    fault: Callable[[Column], str],
    next_step: str,
) -> list[Rule]:
    """Return one failing entry for each column with a wrong value, or one entry that says all hold.

    `wrong` names, of what was found of a column, the values that break the rule; `fault` says in words what they are.
    """
    columns = [column for column in case.schema.columns if declared(column)]
    if not columns:
        return [silent(case, name)]
    entries: list[Rule] = []
    sample = 0
    for table in case.tables:
        for column in columns:
            facts = table.column(column)
            if facts is None:
                continue
            faults = wrong(table, column, facts)
            sample += facts.known
            count, total = faults.count, facts.rows - facts.missing.count
            if count:
                where = f"rows {table.where(faults.places, count)}{examples(faults, column)}"
                reason = f"{share(count, total)} values {fault(column)}: {where}"
                entries.append(failing(case, name, table, reason, next_step, **_facts(column.name, count, total)))
    if not sample and not entries:
        return [silent(case, name, "there is no value to judge", SEE_THE_OTHERS)]
    good = f"all {sample} values hold (columns judged: {len(columns)})"
    return entries or [passing(case, name, good, sample=sample)]


def _counted(kind: Literal["wrong", "outside", "uncategorised", "unmatched"]) -> Wrong:
    def found(table: Table, column: Column, facts: ColumnFacts) -> Faults:
        faults: Faults = getattr(facts, kind)
        return faults

    return found


def standing_for_missing(table: Table, column: Column, facts: ColumnFacts) -> Faults:
    """Return declared sentinels; without one, a sentinel that nobody declared: one and the same value, outside the range and
    repeated, that makes up nearly all of what is outside."""
    total = facts.outside.count
    likely = {
        value: Faults()
        for value, (often, among) in facts.beyond.items()
        if often + total - among >= max(FEWEST, MOST * total)
    }
    if facts.sentinel.count or not likely:
        return facts.sentinel
    for start, columns in table.again(column.name):
        cells = columns[column.name]
        for value in set(cells.known.tolist()) & likely.keys():
            same = cells.known_of(cells.values == value)
            likely[value].add(Faults.of(same, cells if column.public else None), start)
    most = max(likely.values(), key=lambda faults: faults.count)
    return most if most.count >= max(FEWEST, MOST * total) else Faults()
