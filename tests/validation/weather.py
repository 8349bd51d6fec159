"""Generated data that has nothing to do with the example: weather stations, with every kind of declaration."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from gateline.contracts.schema import Schema, parse
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.rows.cells import Cells
from gateline.rows.gathering import gather
from gateline.rows.reading import Whole
from gateline.rows.sources import Content
from gateline.rows.streaming import Stream
from gateline.settings import DataGate
from validation.data.case import DataCase, Table
from validation.data.gate import judge

ROWS = 1000
COLUMNS: list[dict[str, Any]] = [
    {"name": "reading", "dtype": "integer", "key": True, "public": True},
    {"name": "taken", "dtype": "datetime"},
    {"name": "station", "dtype": "string", "pattern": "[A-Z]{2}-[0-9]{3}"},
    {"name": "sky", "dtype": "string", "categories": ["clear", "cloud", "fog"], "nullable": 0.1, "public": True},
    {"name": "warmth", "dtype": "number", "minimum": -30, "maximum": 45, "sentinels": [-99], "public": True},
    {"name": "pressure", "dtype": "number", "minimum": 900, "maximum": 1100},
    {"name": "gusts", "dtype": "integer", "nullable": 0.2, "minimum": 0, "maximum": 60},
    {"name": "serial", "dtype": "string", "unique": True},
    {"name": "night", "dtype": "boolean"},
    {"name": "rain", "dtype": "integer", "categories": [0, 1]},
]


def schema(**changes: Any) -> Schema:
    """Return the schema; `changes` are fields of the schema, or of columns by name."""
    columns = [column | changes.pop(column["name"], {}) for column in COLUMNS]
    roles = {"target": "rain", "time": "taken", "group": "station"}
    return parse({"columns": columns, **roles, **changes})


def frame(rows: int = ROWS, *, seed: int = 1, part: int = 0) -> pd.DataFrame:
    """Return rows that break nothing. Parts come one after another in time, from different stations."""
    rng = np.random.default_rng([seed, part])
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=365 * part)
    warmth = rng.normal(10, 6, rows).round(2).clip(-25, 40)
    return pd.DataFrame(
        {
            "reading": np.arange(rows) + 1,
            "taken": start + pd.to_timedelta(np.arange(rows), unit="h"),
            "station": [f"S{'AB'[part]}-{number:03d}" for number in rng.integers(0, 40, rows)],
            "sky": pd.Series(rng.choice(["clear", "cloud", "fog"], rows)).where(rng.random(rows) >= 0.05, None),
            "warmth": warmth,
            "pressure": rng.normal(1010, 8, rows).round(1),
            "gusts": pd.array(np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 50, rows)), dtype="Int64"),
            "serial": [f"{seed}-{part}-{number}" for number in range(rows)],
            "night": rng.random(rows) < 0.5,
            "rain": (warmth + rng.normal(0, 6, rows) < 8).astype(int),
        }
    )


def raw(data: pd.DataFrame, url: str = "memory") -> Stream:
    """Return a frame as it is read from Parquet."""
    packed = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(data, preserve_index=False), packed)
    return Stream(url, [Content(packed.getvalue(), parquet=True)])


def cells(data: pd.DataFrame, declared: Schema) -> dict[str, Cells]:
    """Return a frame's columns as they are read."""
    (whole,), _, _ = gather(raw(data), declared, lambda: [Whole()])
    return {column.name: whole.column(column) for column in declared.columns}


def case(
    train: pd.DataFrame | Stream,
    test: pd.DataFrame | Stream | None = None,
    *,
    declared: Schema | None = None,
    gate: DataGate | None = None,
    earlier: dict[str, int] | None = None,
) -> DataCase:
    """Return what a rule takes."""
    declared = declared or schema()
    named = {"train": train} if test is None else {"train": train, "test": test}
    raws = {role: data if isinstance(data, Stream) else raw(data, role) for role, data in named.items()}
    tables = tuple(Table(role, one, declared) for role, one in raws.items())
    return DataCase(tables, declared, gate or DataGate(), earlier or {})


def outcomes(rules: list[Rule]) -> set[Outcome]:
    """Return the outcomes of entries."""
    return {rule.outcome for rule in rules}


def one(rules: list[Rule], outcome: Outcome) -> Rule:
    """Return the only entry, which must have this outcome."""
    assert [rule.outcome for rule in rules] == [outcome], [rule.reason for rule in rules]
    return rules[0]


def write(data: pd.DataFrame, path: Path) -> Path:
    """Write a frame as CSV."""
    data.to_csv(path, index=False)
    return path


def verdict(
    train: Path, test: Path | None = None, declared: Schema | None = None, gate: DataGate | None = None
) -> Verdict:
    """Read files and judge them by every rule."""
    raws = [Stream(str(path)) for path in (train, test) if path]
    return judge(raws[0], raws[1] if test else None, declared or schema(), gate or DataGate())


def failed(verdict: Verdict) -> set[str]:
    """Return the names of the rules that failed."""
    return {rule.name for rule in verdict.failed}
