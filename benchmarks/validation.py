"""Seconds and memory of the data gate, with bare passes over the same files and other libraries alongside.

python -m benchmarks.validation --rows 5000000

The example's rows, shifted in time and jittered so that they do not repeat, as CSV and Parquet. Each contestant is a process
of its own, and they take turns; the others have environments of their own, which are made under `.gateline/benchmarks/`. A
row says how long the work took without imports, the whole process, and its largest memory. Limits are in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLE, TEST, SCHEMA = (str(ROOT / "data" / name) for name in ("train.csv", "test.csv", "schema.json"))
ENVIRONMENTS = ROOT / ".gateline" / "benchmarks" / "validation"
PACKAGES = {
    "gateline": (),
    "duckdb": ("duckdb==2.0.1",),
    "pandas": ("pandas==3.1.1", "pyarrow==26.0.1"),
    "pandera": ("pandera[pandas]==0.35.0", "pandas==3.1.1", "pyarrow==26.0.1"),
    "pointblank": ("pointblank==1.1.1", "polars==2.1.0", "pyarrow==26.0.1"),
    "dataframely": ("dataframely==3.1.2", "polars==2.1.0", "pyarrow==26.0.1"),
}
VALUE_RULES = ("format", "encoding", "columns", "dtype", "row_count", "nulls", "range", "category", "pattern", "sentinel")
WIDE = (1500, 800)
"""Columns and rows of the wide table."""


def declared() -> list[dict[str, Any]]:
    """Return the example's columns as its schema declares them."""
    columns: list[dict[str, Any]] = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))["columns"]
    return columns


def of_gate(path: str, *, everything: bool) -> Callable[[], object]:
    """Return the gate's judgement of one file by its value rules, or of train and test by all rules."""
    from gateline.contracts.schema import load
    from gateline.rows.streaming import Stream
    from gateline.settings import DataGate
    from validation.data.gate import judge

    schema = load(SCHEMA).with_roles(target="late", time="time_hour")
    gate = DataGate() if everything else DataGate(rules=VALUE_RULES, required=("format",))
    return lambda: judge(Stream(path), Stream(TEST) if everything else None, schema, gate).outcome


def of_duckdb(path: str, *, ends: bool) -> Callable[[], object]:
    """Return one pass that counts missing values; with `ends` the smallest and largest numbers and strange words as well."""
    import duckdb

    wanted = [f"count(*) - count({column['name']})" for column in declared()]
    for column in declared() if ends else ():
        name = column["name"]
        if column["dtype"] != "string":
            wanted += [f"min({name})", f"max({name})"]
        elif "categories" in column:
            wanted.append(f"count(*) FILTER ({name} NOT IN ({', '.join(map(repr, column['categories']))}))")
    return lambda: duckdb.sql(f"SELECT {', '.join(wanted)} FROM '{path}'").fetchall()  # nosec B608


def of_pandas(path: str) -> Callable[[], object]:
    """Return the script that people write: columns, dtypes, missing values."""
    import pandas as pd

    def script() -> bool:
        frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
        kinds = {"string": "str", "integer": "int64", "number": "float64"}
        found = list(frame.columns) == [column["name"] for column in declared()]
        for column in declared():
            wanted = kinds.get(column["dtype"], "str")
            found &= str(frame[column["name"]].dtype) in (wanted, "float64" if column.get("nullable") else wanted)
            found &= bool(frame[column["name"]].isna().mean() <= column.get("nullable", 0.0))
        return found

    return script


def of_pandera(path: str) -> Callable[[], object]:
    """Return a pandera schema with the declared dtypes, ranges, categories and patterns, on pandas."""
    import pandas as pd
    import pandera.pandas as pa

    columns = {}
    for column in declared():
        checks = [pa.Check.ge(column["minimum"]), pa.Check.le(column["maximum"])] if "minimum" in column else []
        checks += [pa.Check.isin(column["categories"])] if "categories" in column else []
        checks += [pa.Check.str_matches(f"^(?:{column['pattern']})$")] if "pattern" in column else []
        kind = {"integer": "float64" if column.get("nullable") else "int64"}.get(column["dtype"], "str")
        columns[column["name"]] = pa.Column(
            None if column["dtype"] == "datetime" else kind, checks, nullable=bool(column.get("nullable"))
        )
    schema = pa.DataFrameSchema(columns, strict=True)
    return lambda: schema.validate(
        pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, keep_default_na=False, na_values=[""]),
        lazy=True,
    ).shape


def of_pointblank(path: str) -> Callable[[], object]:
    """Return pointblank's validation of the same on Polars."""
    import pointblank as pb
    import polars as pl

    def judge() -> bool:
        plan = pb.Validate(pl.read_parquet(path) if path.endswith(".parquet") else pl.read_csv(path))
        for column in declared():
            name = column["name"]
            if "minimum" in column:
                plan = plan.col_vals_between(name, column["minimum"], column["maximum"], na_pass=True)
            if "categories" in column:
                plan = plan.col_vals_in_set(name, column["categories"])
            if "pattern" in column:
                plan = plan.col_vals_regex(name, f"^(?:{column['pattern']})$")
            plan = plan if column.get("nullable") else plan.col_vals_not_null(name)
        return bool(plan.interrogate(collect_extracts=False).all_passed())

    return judge


def of_dataframely(path: str) -> Callable[[], object]:
    """Return dataframely's validation of the same on Polars."""
    import dataframely as dy
    import polars as pl

    fields: dict[str, Any] = {}
    for column in declared():
        nullable = bool(column.get("nullable"))
        if column["dtype"] == "integer" and "minimum" in column:
            fields[column["name"]] = dy.Int64(nullable=nullable, min=column["minimum"], max=column["maximum"])
        elif column["dtype"] == "integer":
            fields[column["name"]] = dy.Int64(nullable=nullable, is_in=column.get("categories"))
        elif "categories" in column:
            fields[column["name"]] = dy.Enum(column["categories"], nullable=nullable)
        else:
            fields[column["name"]] = dy.String(nullable=nullable, regex=column.get("pattern"))
    schema = type("Flights", (dy.Schema,), fields)

    def judge() -> object:
        frame = pl.read_parquet(path) if path.endswith(".parquet") else pl.read_csv(path)
        text = frame.with_columns(pl.col("time_hour").cast(pl.String))
        return schema.validate(text, cast=True).shape

    return judge


CONTESTANTS: dict[str, tuple[str, Callable[[str], Callable[[], object]]]] = {
    "duckdb: nulls": ("duckdb", lambda path: of_duckdb(path, ends=False)),
    "duckdb: nulls, ends, categories": ("duckdb", lambda path: of_duckdb(path, ends=True)),
    "gateline: value rules": ("gateline", lambda path: of_gate(path, everything=False)),
    "gateline: everything": ("gateline", lambda path: of_gate(path, everything=True)),
    "pandas script": ("pandas", of_pandas),
    "pandera": ("pandera", of_pandera),
    "pointblank": ("pointblank", of_pointblank),
    "dataframely": ("dataframely", of_dataframely),
}


@dataclass(frozen=True)
class Run:
    """One process: seconds of its work by the clock and of the processors, of the whole of it, and its largest memory."""

    work: float
    processors: float
    whole: float
    megabytes: float


def run(name: str, path: str) -> Run:
    """Run one contestant on a file, in a process and an environment of its own."""
    environment = CONTESTANTS[name][0]
    python = sys.executable if environment == "gateline" else str(ENVIRONMENTS / environment / "bin" / "python")
    begun = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "benchmarks.validation", "--one", name, path], cwd=ROOT, capture_output=True, text=True
    )
    whole = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip()[-2000:]}")
    work, processors, megabytes = map(float, done.stdout.split()[-3:])
    return Run(work, processors, whole, megabytes)


def one(name: str, path: str) -> None:
    """Print the seconds of a contestant's work, without its imports, and the process's peak memory."""
    work = CONTESTANTS[name][1](path)
    begun, spent = time.perf_counter(), time.process_time()
    work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - begun, time.process_time() - spent, peak)


def install() -> None:
    """Make the environments of the others, each once."""
    from infra.host.python_env import uv  # the others' processes, which run this file too, have none of ours

    for name, packages in PACKAGES.items():
        folder = ENVIRONMENTS / name
        if packages and not (folder / "bin" / "python").exists():
            subprocess.run([uv(), "venv", "-q", str(folder)], check=True)
            subprocess.run([uv(), "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *packages], check=True)


def make(rows: int, path: Path) -> None:
    """Write the example's rows as CSV and Parquet, copy after copy a week earlier, with other delays."""
    import numpy as np
    import pandas as pd
    from pyarrow import csv, parquet

    example = pd.read_csv(EXAMPLE, dtype=str, keep_default_na=False)
    times, draws, left = pd.to_datetime(example["time_hour"]), np.random.default_rng(1), rows
    while left:
        copy, number = example[:left].copy(), (rows - left) // len(example)
        copy["time_hour"] = (times - pd.Timedelta(days=7 * number)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")[: len(copy)]
        for name, low, high in (("dep_delay", -120, 1800), ("sched_minutes", 1, 1439)) if number else ():
            moved = pd.to_numeric(copy[name]) + draws.integers(-5, 30, len(copy))
            copy[name] = moved.clip(low, high).astype(str)
        copy.to_csv(path, index=False, header=not number, mode="a" if number else "w", lineterminator="\n")
        left -= len(copy)
    parquet.write_table(csv.read_csv(path), path.with_suffix(".parquet"), row_group_size=2**17)


def wide(folder: Path) -> tuple[Path, Path]:
    """Write a table of many columns and few rows, and its schema."""
    import numpy as np
    import pandas as pd

    columns, rows = WIDE
    draws = np.random.default_rng(2)
    for name in ("wide.csv", "wide_test.csv"):
        frame = pd.DataFrame(draws.normal(size=(rows, columns)).round(4), columns=[f"x{place}" for place in range(columns)])
        frame.assign(y=draws.integers(0, 2, rows)).to_csv(folder / name, index=False)
    body = [{"name": f"x{place}", "dtype": "number", "minimum": -9, "maximum": 9} for place in range(columns)]
    body.append({"name": "y", "dtype": "integer", "categories": [0, 1]})
    (folder / "wide.json").write_text(json.dumps({"columns": body}), encoding="utf-8")
    return folder / "wide.csv", folder / "wide.json"


def command(*argv: str) -> float:
    """Return the seconds of the gate's own command as a whole process."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "validation.data", *argv], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    return time.perf_counter() - begun


def settings(folder: Path, train: str, test: str, schema: str, target: str, time_column: str = "") -> str:
    """Write a settings file that judges these files."""
    path = folder / "pipeline.toml"
    path.write_text(
        f'[project]\nname = "bench"\n[data]\ntrain = "{train}"\ntest = "{test}"\nschema = "{schema}"\ntarget = "{target}"\n'
        f'time = "{time_column}"\n[registry]\nurl = "{folder}/registry"\n[environments.staging]\nport = 8999\n',
        encoding="utf-8",
    )
    return str(path)


def interleaved(path: str, rounds: int, names: Sequence[str]) -> dict[str, Run]:
    """Return the medians of each contestant on a file; they take turns."""
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(run(name, path))
    fields = ("work", "processors", "whole", "megabytes")
    return {
        name: Run(*(statistics.median(getattr(each, field) for each in found) for field in fields))
        for name, found in runs.items()
    }


def table(rows: int, kind: str, found: dict[str, Run]) -> Iterator[str]:
    """Yield the lines of one file's table, with ratios to the bare pass of its kind; what else runs disturbs CPU least."""
    bare = found["duckdb: nulls" if kind == "csv" else "duckdb: nulls, ends, categories"]
    yield f"\n{rows:,} rows, {kind}\n"
    yield "| | work, s | x bare | CPU, s | x bare | whole process, s | peak MB |\n|---|---|---|---|---|---|---|"
    for name, each in found.items():
        clock, processors = each.work / bare.work, each.processors / bare.processors
        figures = (each.work, clock, each.processors, processors, each.whole)
        yield f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} | {each.megabytes:.0f} |"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs=2, default=(1_000_000, 10_000_000), metavar=("FEW", "MANY"))
    parser.add_argument("--kinds", nargs="+", choices=("csv", "parquet"), default=("csv", "parquet"))
    parser.add_argument("--one", nargs=2, metavar=("CONTESTANT", "FILE"))
    parser.add_argument("--make", nargs=2, metavar=("ROWS", "FILE"))
    options = parser.parse_args()
    if options.one:
        one(*options.one)
        return 0
    if options.make:
        make(int(options.make[0]), Path(options.make[1]))
        return 0
    install()
    folder = Path(tempfile.mkdtemp(prefix="gateline-validation-"))
    try:
        _all(folder, options)
    finally:
        shutil.rmtree(folder)
    return 0


def _all(folder: Path, options: argparse.Namespace) -> None:
    small = settings(folder, EXAMPLE, TEST, SCHEMA, "late", "time_hour")
    print(f"30,000 rows, whole process: {statistics.median(command('--config', small, '--fresh') for _ in range(5)):.2f} s")
    path, schema = wide(folder)
    told = settings(folder, str(path), str(folder / "wide_test.csv"), str(schema), "y")
    print(f"{WIDE[0]:,} columns x {WIDE[1]} rows, whole process: {command('--config', told, '--fresh'):.2f} s", flush=True)
    for rows in dict.fromkeys((options.rows, *options.memory)):
        # In a process of its own: a child's peak begins with what its parent holds.
        argv = ["--make", str(rows), str(folder / "rows.csv")]
        subprocess.run([sys.executable, "-m", "benchmarks.validation", *argv], cwd=ROOT, check=True)
        for kind in options.kinds:
            names = [name for name in CONTESTANTS if rows == options.rows or name.startswith("gateline")]
            found = interleaved(str(folder / f"rows.{kind}"), options.rounds if rows == options.rows else 1, names)
            if rows != options.rows:
                for name, each in found.items():
                    print(f"{rows:,} rows, {kind}, {name}: {each.work:.2f} s, {each.megabytes:.0f} MB", flush=True)
                continue
            print(*table(rows, kind, found), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
