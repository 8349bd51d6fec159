"""Read data: as it stands, for judging, or typed by the schema, for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from contracts.manifest import Objects
from contracts.schema import Column, Schema
from settings.errors import UsageError, did_you_mean
from validation.csv_file import read_csv
from validation.parquet_file import read_parquet
from validation.parts import Part
from validation.sources import Source, sources, url_of
from validation.typed import Typed

JUDGE = "see what is wrong with it: python -m validation.data --data-path {url} --schema data/schema.json"


@dataclass(frozen=True)
class Raw:
    """All files behind a URL, as they stand."""

    url: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(len(part.frame) for part in self.parts)

    def typed(self, column: Column) -> Typed | None:
        """Return a column's values over all files, or None if a file does not hold it."""
        found = [part.typed(column) for part in self.parts]
        return together([values for values in found if values is not None]) if all(found) and found else None


def together(found: Sequence[Typed]) -> Typed:
    """Return the values of several files as one column."""
    if len(found) == 1:
        return found[0]
    return Typed(
        pd.concat([one.values for one in found]),
        np.concatenate([one.missing for one in found]),
        np.concatenate([one.wrong for one in found]),
    )


def read_raw(rows: str | Objects) -> Raw:
    """Return what stands behind a URL, or in objects as they were, with findings on form and encoding.

    CSV is text, Parquet typed. Raises UsageError where there is no such file.
    """
    return Raw(url_of(rows), tuple(_part(source) for source in sources(rows)))


def read_table(rows: str | Objects, schema: Schema) -> pd.DataFrame:
    """Return the declared columns, in the schema's order and dtypes, of one file or a folder of parts.

    integer is Int64, number float64, boolean `boolean`, datetime UTC, string object with None for missing.
    Raises UsageError for a file that is missing, empty or unreadable, and for columns that are missing or of another dtype.
    """
    raw = read_raw(rows)
    url = raw.url
    for part in raw.parts:
        _refuse_unreadable(url, part)
    if not raw.rows:
        raise UsageError(f"{url}: holds no rows", "check data.train and data.test in pipeline.toml")
    columns = {column.name: _column(raw, column) for column in schema.columns}
    return pd.DataFrame({name: values.reset_index(drop=True) for name, values in columns.items()})


def _part(source: Source) -> Part:
    data = source.read()
    part = read_parquet(data) if source.parquet else read_csv(data)
    return replace(part, name=source.name, partition=source.partition)


def _refuse_unreadable(url: str, part: Part) -> None:
    if part.findings:
        finding = part.findings[0]
        where = f" ({part.name})" if part.name else ""
        raise UsageError(f"{url}{where}: {finding.reason}", f"{finding.next_step}; or {JUDGE.format(url=url)}")


def _column(raw: Raw, column: Column) -> pd.Series:
    values = raw.typed(column)
    if values is None:
        names = next(part.names() for part in raw.parts if column.name not in part.names())
        raise UsageError(
            f"{raw.url}: there is no column '{column.name}'{did_you_mean(column.name, names)} (columns: {', '.join(names)})",
            "correct the name in pipeline.toml and the schema, or the file",
        )
    if values.wrong.any():
        count = int(values.wrong.sum())
        raise UsageError(
            f"{raw.url}: {count} of {len(values.wrong)} values of '{column.name}' are not of dtype {column.dtype}",
            JUDGE.format(url=raw.url),
        )
    return values.values
