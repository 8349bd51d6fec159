"""Read data strictly: as it is written, for judging, or typed by the schema, for training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Column, Schema
from gateline.rows.csv_file import read_csv
from gateline.rows.parquet_file import read_parquet
from gateline.rows.parts import Finding, Part
from gateline.rows.sources import Source, sources, url_of
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.shown import shown

if TYPE_CHECKING:
    import pandas as pd

    from gateline.rows.typed import Mask, Typed

JUDGE = "see what is wrong with it: python -m validation.data --data-path {url} --schema data/schema.json"
SHOWN = 5
"""Row numbers, and different values, that a message names."""


@dataclass(frozen=True)
class Raw:
    """All files behind a URL, as they are written."""

    url: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(part.rows for part in self.parts)

    def typed(self, column: Column, schema: Schema | None = None) -> Typed | None:
        """Return a column's values over all files, or None if a file does not hold it."""
        from gateline.rows.typed import together, typed_of

        found = [typed_of(part, column, schema) for part in self.parts]
        return together([values for values in found if values is not None]) if all(found) and found else None

    def place(self, position: int) -> str:
        """Return the number of the row at a position over all files, with the file where there are several."""
        for part in self.parts:
            if position < part.rows:
                number = part.numbers[position]
                return f"{number} of {shown(part.name)}" if len(self.parts) > 1 else f"{number}"
            position -= part.rows
        raise IndexError(position)

    def places(self, mask: Mask) -> str:
        """Say where `mask` (shape (rows,)) holds: the first five row numbers, with the file where there are several."""
        positions = mask.nonzero()[0].tolist()
        more = f" and {len(positions) - SHOWN} more" if len(positions) > SHOWN else ""
        return ", ".join(self.place(position) for position in positions[:SHOWN]) + more


def read_raw(rows: str | Objects) -> Raw:
    """Return what is behind a URL, or objects as they were, with findings on form and encoding.

    What a file is, its content says, not its name. CSV is text, Parquet typed. Raises UsageError where there is no such file,
    OutsideError where it cannot be reached.
    """
    return Raw(url_of(rows), tuple(_part(source) for source in sources(rows)))


def read_table(rows: str | Objects, schema: Schema) -> pd.DataFrame:
    """Return the declared columns, in the schema's order and dtypes, of one file or a folder of parts.

    integer is Int64, number float64, boolean `boolean`, datetime UTC, string object with None for missing.
    Raises UsageError for a file that is missing, empty or unreadable, and for columns that are missing or of another dtype.
    """
    import pandas as pd

    raw = read_whole(rows)
    columns = {column.name: _column(raw, column, schema) for column in schema.columns}
    return pd.DataFrame({name: values.reset_index(drop=True) for name, values in columns.items()})


def read_whole(rows: str | Objects) -> Raw:
    """Return what is behind a URL as it is written. Raises UsageError for a file of broken form, and where there is no row."""
    raw = read_raw(rows)
    for part in raw.parts:
        _refuse_unreadable(raw.url, part)
    if not raw.rows:
        raise UsageError(f"{raw.url}: holds no rows", "name a file with a header and rows")
    return raw


def counts_of(part: Part) -> dict[str, Counter[str]]:
    """Return how often each value occurs in each column, as text; a missing value of a Parquet file is the empty text."""
    return {name: _counted(part.table[name]) for name in part.table.column_names}


def _counted(column: Any) -> Counter[str]:
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        return Counter(map(as_text, column.to_pylist()))
    counts = Counter[str]()
    for values, count in zip(*(each.to_pylist() for each in column.value_counts().flatten())):
        counts[as_text(values)] += count
    return counts


def as_text(value: Any) -> str:
    """Return a value as a CSV file would hold it; empty for a missing one."""
    if value is None or value != value:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _part(source: Source) -> Part:
    content = source.read()
    if content.finding is not None:
        import pyarrow as pa

        part = Part(pa.table({}), text=False, findings=(content.finding,))
    else:
        part = read_parquet(content.data) if content.parquet else read_csv(content.data)
    return replace(part, name=source.name, partition=source.partition)


def _refuse_unreadable(url: str, part: Part) -> None:
    if part.findings:
        finding = part.findings[0]
        where = f" ({part.name})" if part.name else ""
        raise UsageError(
            f"{url}{where}: {finding.reason}{_where(finding)}", f"{finding.next_step}; or {JUDGE.format(url=url)}"
        )


def _where(finding: Finding) -> str:
    if not finding.rows:
        return ""
    more = f" and {len(finding.rows) - SHOWN} more" if len(finding.rows) > SHOWN else ""
    return ": rows " + ", ".join(map(str, finding.rows[:SHOWN])) + more


def _column(raw: Raw, column: Column, schema: Schema) -> pd.Series[Any]:
    values = raw.typed(column, schema)
    if values is None:
        names = next(part.names() for part in raw.parts if column.name not in part.names())
        raise UsageError(
            f"{raw.url}: there is no column '{column.name}'{did_you_mean(column.name, names)} "
            f"(columns: {', '.join(map(shown, names))})",
            "correct the name in pipeline.toml and the schema, or the file",
        )
    if values.wrong.any():
        count = int(values.wrong.sum())
        raise UsageError(
            f"{raw.url}: {count} of {len(values.wrong)} values of '{column.name}' are not of dtype {column.dtype}: "
            f"rows {raw.places(values.wrong)}",
            JUDGE.format(url=raw.url),
        )
    return values.values
