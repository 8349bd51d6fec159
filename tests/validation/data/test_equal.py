"""The rules against those that they replaced, which judged whole columns with pandas: random tables with planted faults."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from gateline.contracts.schema import Schema, parse
from gateline.contracts.verdict import Rule
from gateline.rows import cutting, parquet_batches, sources
from gateline.rows.streaming import Stream
from gateline.settings import DataGate
from tests.validation.data import oracle
from tests.validation.data.oracle import plots as oracle_plots
from tests.validation.data.oracle.case import DataCase as OldCase
from tests.validation.data.oracle.case import Table as OldTable
from tests.validation.data.oracle.reading import read_raw
from validation.data import plots
from validation.data.case import DataCase, Table
from validation.data.facts.spilled import Spilled
from validation.data.rules import RULES

WORDS = ["a", "b b", "ü", "NA", "null", " a", "Namibia", 'quo"te', "two\nlines", "x,y", "long " * 9]
ODD = [
    *("", " ", "NA", "NaN", "nan", "?", "soon", "true", "TRUE", "0", "1", "-999", "-999.0", "inf", "-inf", "1e999", "1e300"),
    *(str(2**63), str(-(2**63)), "9007199254740993", "0x1F", "+5", " 7 ", "007", "1.0", "-0", "12.", ".5", "1e3", "3.5e38"),
    *("\u00a05", "1_000", "2024-02-30", "2024-01-01T10", "2024-01-01", "2024-01-01T10:00+0230"),
    "2024-01-01 10:00:00.123456789+02:00",
]


def value(chance: random.Random, dtype: str, row: int) -> str:
    made = {
        "integer": lambda: str(chance.randrange(-3, 40)),
        "number": lambda: chance.choice([f"{chance.gauss(0, 5):.3f}", str(chance.randrange(9)), f"{chance.random():e}"]),
        "string": lambda: chance.choice(WORDS),
        "boolean": lambda: chance.choice(["true", "false", "1", "0"]),
        "datetime": lambda: f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}T{row % 24:02d}:00:00Z",
    }
    return made[dtype]()


def declared(chance: random.Random) -> Schema:
    columns = list[dict[str, Any]]()
    for number in range(chance.randrange(3, 9)):
        dtype = chance.choice(["integer", "integer", "number", "number", "string", "string", "boolean", "datetime"])
        column: dict[str, Any] = {"name": f"c{number}", "dtype": dtype, "public": chance.random() < 0.7}
        if dtype in ("integer", "number"):
            column |= chance.choice([{}, {"minimum": 0}, {"minimum": -2, "maximum": 30}, {"categories": [0, 1, 2, 3]}])
            column |= chance.choice([{}, {"sentinels": [-999, 1]}, {"missing": ["-999"]}])
        if dtype == "datetime":
            column |= chance.choice([{}, {"minimum": 1704067200.0}, {"sentinels": ["2024-01-01"]}])
        if dtype == "string":
            column |= chance.choice([{}, {"categories": ["a", "b b"]}, {"pattern": "[a-z ]+"}, {"sentinels": ["NA"]}])
        column |= chance.choice([{}, {"nullable": 0.5}, {"nullable": 0.04}, {"unique": True}, {"key": True}])
        column |= chance.choice([{}, {}, {}, {"feature": False}])
        columns.append(column)
    names = [column["name"] for column in columns if not column.get("key") and column.get("feature", True)]
    body: dict[str, Any] = {"columns": columns}
    if len(names) > 2 and chance.random() < 0.8:
        body["target"] = names[0]
        body |= {"time": names[1]} if chance.random() < 0.6 else {}
        body |= {"group": names[2]} if chance.random() < 0.6 and len(names) > 3 else {}
    if chance.random() < 0.5:
        body["missing"] = chance.choice([["NA", "?"], ["null", "-999", "x"], ["soon"]])
    try:
        return parse(body)
    except Exception:
        return declared(chance)


def table(chance: random.Random, schema: Schema, rows: int) -> list[list[str]]:
    share = chance.choice([0.0, 0.0, 0.01, 0.2])
    same = chance.randrange(1, 60)
    made = list[list[str]]()
    for row in range(rows):
        if made and chance.random() < 0.1 and same < 20:
            made.append(list(chance.choice(made)))
            continue
        made.append([chance.choice(ODD) if chance.random() < share else value(chance, c.dtype, row) for c in schema.columns])
    return made


def as_csv(path: Path, chance: random.Random, schema: Schema, rows: list[list[str]]) -> Path:
    names = [column.name for column in schema.columns]
    if chance.random() < 0.2:
        names[-1] = chance.choice(["other", names[0]])
    with path.open("w", encoding="utf-8", newline="") as stream:
        quoting: Any = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        csv.writer(stream, quoting=quoting, lineterminator="\n").writerows([names, *rows])
    data = path.read_bytes()
    fault = chance.choice(["", "", "", "cut", "mark", "latin", "ragged", "open", "crlf", "blank", "stray", "gzip", "nul"])
    lines = data.split(b"\n")
    some = chance.randrange(1, max(2, len(lines) - 1))
    if fault == "cut":
        data = data[:-5]
    elif fault == "mark":
        data = b"\xef\xbb\xbf" + data
    elif fault == "latin":
        data = data.replace("ü".encode(), b"\xfc")
    elif fault == "nul":
        data = data.replace(b"Namibia", b"Na\x00ibia")
    elif fault == "crlf":
        data = data.replace(b"\n", b"\r\n")
    elif fault in ("ragged", "open", "blank", "stray"):
        line = lines[some]
        lines[some] = {"ragged": line + b",1", "open": b'"' + line, "blank": b"\n\n", "stray": line + b'5" pipe'}[fault]
        data = b"\n".join(lines)
    path.write_bytes(gzip.compress(data) if fault == "gzip" else data)
    return path


def as_parquet(path: Path, chance: random.Random, schema: Schema, rows: list[list[str]]) -> Path:
    kinds = {
        "integer": [pa.int64(), pa.int8(), pa.float64(), pa.uint64(), pa.string()],
        "number": [pa.float64(), pa.float32(), pa.int16(), pa.decimal128(9, 2), pa.float16()],
        "string": [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.int64()],
        "boolean": [pa.bool_(), pa.bool_(), pa.int8(), pa.null()],
        "datetime": [pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.date32(), pa.string(), pa.timestamp("ms", "+05:30")],
    }
    columns = {}
    for place, column in enumerate(schema.columns):
        kind = chance.choice(kinds[column.dtype])
        columns[column.name] = pa.array([_stored(row[place], kind, chance) for row in rows], kind)
    parquet.write_table(pa.table(columns), path, row_group_size=chance.choice([50, 10_000]))
    return path


def _stored(text: str, kind: pa.DataType, chance: random.Random) -> Any:
    if chance.random() < 0.03 or pa.types.is_null(kind):
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return text
    try:
        if pa.types.is_boolean(kind):
            return text in ("true", "1")
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            when = pd.Timestamp(text)
            if pd.isna(when) or not 1700 < when.year < 2200:
                return None
            return when.floor("us").to_pydatetime().replace(tzinfo=None)
        if pa.types.is_decimal(kind):
            return round(float(text) % 1000) and __import__("decimal").Decimal(round(float(text) % 1000))
        number = float(text)
        if pa.types.is_floating(kind):
            return np.float16(max(-6e4, min(number, 6e4))) if pa.types.is_float16(kind) else number
        return int(number) % 100
    except (ValueError, OverflowError):
        return None


def told(rules: list[Rule]) -> list[dict[str, Any]]:
    return [rule.model_dump(mode="json", exclude={"observed", "limit"}) for rule in rules]


def assert_equal(paths: list[Path], schema: Schema, gate: DataGate) -> None:
    roles = ["train", "test"][: len(paths)] if len(paths) > 1 else ["data"]
    old = OldCase(tuple(OldTable(role, read_raw(str(path)), schema) for role, path in zip(roles, paths)), schema, gate)
    tables = tuple(Table(role, Stream(str(path)), schema, gate, len(paths) > 1) for role, path in zip(roles, paths))
    new = DataCase(tables, schema, gate)
    for name in gate.rules:
        before, now = oracle.RULES[name](old), RULES[name](new)
        assert told(now) == told(before), name
        for one, other in zip(now, before, strict=True):
            for figure in ("observed", "limit"):
                now_is, was = getattr(one, figure), getattr(other, figure)
                is_number = isinstance(was, float)
                assert now_is == (pytest.approx(was, rel=1e-9, abs=1e-12) if is_number else was), name
    for plot, other_plot in zip(plots.plots(new), oracle_plots.plots(old), strict=True):
        assert plot == other_plot
    for table, old_table in zip(new.tables, old.tables, strict=True):
        assert table.columns.keys() == old_table.columns.keys()
        for column_name, values in old_table.columns.items():
            found = table.columns[column_name]
            assert found.missing.tolist() == values.missing.tolist() and found.wrong.tolist() == values.wrong.tolist()
            was_typed = values.values.set_axis(found.values.index)
            was_typed = was_typed.where(was_typed.notna(), None) if was_typed.dtype == object else was_typed
            pd.testing.assert_series_equal(found.values, was_typed, check_names=False)
            as_found, some = values.found.set_axis(found.found.index), len(values.found) > 0
            pd.testing.assert_series_equal(found.found, as_found, check_names=False, check_dtype=some)
            assert table.places(found.missing) == old_table.places(values.missing)


@pytest.fixture(params=["as they are", "in pieces"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few rows, and hashes on the disk, as a table of many rows has them."""
    if request.param == "in pieces":
        monkeypatch.setattr(sources, "HEAD", 100)
        monkeypatch.setattr(cutting, "SIZE", 300)
        monkeypatch.setattr(parquet_batches, "ROWS", 7)
        monkeypatch.setattr(Spilled, "write_beyond", 50)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("seed", range(20))
def test_every_rule_says_what_it_said(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    schema = declared(chance)
    size = chance.choice([0, 3, 40, 200, 600])
    paths = []
    for name in ("train", "test")[: chance.choice([1, 2, 2])]:
        make, kind = chance.choice([(as_csv, "csv"), (as_csv, "csv"), (as_parquet, "parquet")])
        paths.append(make(tmp_path / f"{name}.{kind}", chance, schema, table(chance, schema, size)))
    assert_equal(paths, schema, DataGate(min_rows=1))
