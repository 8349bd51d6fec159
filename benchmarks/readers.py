"""Whole-process seconds and peak memory of the libraries that could read data, on the example's rows repeated.

python -m benchmarks.readers --rows 1000000

Each reader counts the missing and the different texts of every column, and finds the one row that is too short. They run in
the environment of `nox -s test` with `duckdb` and `polars` added: the one that was not chosen is in no lock.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

EXAMPLE = Path("data/train.csv")
TIMES = 3


def of_arrow(path: str) -> tuple[int, int]:
    """Read with pyarrow's parser, which hands over each row of another width."""
    import pyarrow.compute as pc
    from pyarrow import csv, parquet

    ragged: list[int] = []
    if path.endswith(".parquet"):
        table = parquet.read_table(path)
    else:
        names = EXAMPLE.open().readline().strip().split(",")
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=names, skip_rows=1, block_size=2**24, use_threads=False),
            parse_options=csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=lambda row: ragged.append(row.number) or "skip"
            ),
            convert_options=csv.ConvertOptions(column_types={name: "string" for name in names}),
        )
    counted = [pc.value_counts(table[name]) for name in table.column_names]
    return sum(map(len, counted)), len(ragged)


def of_duckdb(path: str) -> tuple[int, int]:
    """Read with DuckDB, every option given, rejected rows kept in a table."""
    import duckdb

    duckdb.sql("SET threads = 1")
    names = EXAMPLE.open().readline().strip().split(",")
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    options = f"columns={{{columns}}}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', store_rejects=true"
    source = f"'{path}'" if path.endswith(".parquet") else f"read_csv('{path}', {options})"
    wanted = ", ".join(f"count(DISTINCT {name}), count({name})" for name in names)
    found = duckdb.sql(f"SELECT {wanted} FROM {source}").fetchall()[0]  # nosec B608
    bad = 0 if path.endswith(".parquet") else duckdb.sql("SELECT count(*) FROM reject_errors").fetchall()[0][0]
    return sum(found[::2]), bad


def of_polars(path: str) -> tuple[int, int]:
    """Read with Polars, streaming; it says nothing of rows that are too short, and fills them up."""
    import polars as pl

    if path.endswith(".parquet"):
        frame = pl.scan_parquet(path)
    else:
        frame = pl.scan_csv(path, infer_schema=False, truncate_ragged_lines=True)
    counted = frame.select(pl.all().n_unique()).collect(engine="streaming")
    return sum(counted.row(0)), 0


def of_pandas(path: str) -> tuple[int, int]:
    """Read with pandas, as text; short rows are filled up, and nobody is told."""
    import pandas as pd

    frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, dtype=str, keep_default_na=False)
    return int(frame.nunique().sum()), 0


READERS: dict[str, Callable[[str], tuple[int, int]]] = {
    "pyarrow": of_arrow,
    "duckdb": of_duckdb,
    "polars": of_polars,
    "pandas": of_pandas,
}


def make(rows: int, folder: Path) -> None:
    """Write the example's rows, repeated, as CSV and Parquet; one row of the CSV lacks its last field."""
    from pyarrow import csv, parquet

    header, *lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    text, packed = folder / "rows.csv", folder / "rows.parquet"
    with text.open("w", encoding="utf-8") as stream:
        repeated = itertools.islice(itertools.cycle(lines), rows)
        stream.writelines(line + "\n" for line in itertools.chain([header], repeated))
    parquet.write_table(csv.read_csv(text), packed)
    with text.open("a", encoding="utf-8") as stream:
        stream.write(lines[0].rpartition(",")[0] + "\n")


def measure(reader: str, path: Path) -> tuple[float, float, str]:
    """Return whole-process seconds, peak MB and what was found, of one reader in a process of its own."""
    begun = time.perf_counter()
    argv = [sys.executable, "-m", "benchmarks.readers", "--one", reader, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found, _, peak = done.stdout.strip().rpartition(" ")
    return time.perf_counter() - begun, float(peak), found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FILE"))
    parser.add_argument("--make", metavar="FOLDER")
    options = parser.parse_args()
    if options.one:
        found = READERS[options.one[0]](options.one[1])
        print(*found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    if options.make:
        make(options.rows, Path(options.make))
        return 0
    print("| reader | file | s | peak MB | different values, rows of another width |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: a child's peak begins with what its parent holds.
        rows = ["--rows", str(options.rows), "--make", folder]
        subprocess.run([sys.executable, "-m", "benchmarks.readers", *rows], check=True)
        for path in (Path(folder, "rows.csv"), Path(folder, "rows.parquet")):
            for name in READERS:
                runs = [measure(name, path) for _ in range(TIMES)]
                seconds, peak = (statistics.median(run[place] for run in runs) for place in (0, 1))
                print(f"| {name} | {path.suffix[1:]} | {seconds:.2f} | {peak:.0f} | {runs[0][2]} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
