"""Every kind of model that can be written out, on three tables, next to scikit-learn: `python -m benchmarks.parity`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.zoo import cases, compared, table
from infra.releases.fast_path.drawing import LEAST
from infra.releases.fast_path.writer import NotCoveredError

HEADER = (
    "| in front; model | tables | path | rows compared | largest difference | µs a row, scorer.py | µs a row, scikit-learn |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Line:
    """What was found for one case."""

    data: str
    what: str
    path: str
    rows: int = 0
    worst: float = 0.0
    own: float = 0.0
    theirs: float = 0.0


def measured(name: str, least: int = LEAST) -> Line:
    """Compare one case, and time a row of both paths (medians of 200)."""
    data, _, what = name.partition(": ")
    try:
        parity = compared(name, least)
    except NotCoveredError as reason:
        return Line(data, what, f"scikit-learn: {reason}")
    own, theirs = parity.microseconds(table(data).rows)
    return Line(data, what, "scorer.py", sum(parity.compared.values()), parity.worst, own, theirs)


def shown(lines: Sequence[Line]) -> str:
    """Return one row of the table for the same case on several tables."""
    paths = " / ".join(dict.fromkeys(line.path for line in lines))
    tables, rows = ", ".join(line.data for line in lines), sum(line.rows for line in lines)
    own, theirs = (_span([getattr(line, name) for line in lines]) for name in ("own", "theirs"))
    if not rows:
        return f"| {lines[0].what} | {tables} | {paths} | – | – | – | – |"
    worst = max(line.worst for line in lines)
    return f"| {lines[0].what} | {tables} | {paths} | {rows:,} | {worst:.1g} | {own} | {theirs} |"


def _span(numbers: Sequence[float]) -> str:
    low, high = (f"{number:.1f}" if number < 10 else f"{number:,.0f}" for number in (min(numbers), max(numbers)))
    return low if low == high else f"{low} to {high}"


def main() -> int:
    """Print the table; 1 where a scorer answers otherwise than scikit-learn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--rows", type=int, default=LEAST, help="rows drawn for each case at least (default: %(default)s)")
    options = parser.parse_args()
    found: dict[str, list[Line]] = {}
    for name in cases():
        line = measured(name, options.rows)
        found.setdefault(line.what, []).append(line)
        print(f"\r\033[K{name}", end="", file=sys.stderr, flush=True)
    print("\r\033[K", end="", file=sys.stderr)
    print(*HEADER, *map(shown, found.values()), sep="\n")
    lines = [line for each in found.values() for line in each]
    generated = [line for line in lines if line.path == "scorer.py"]
    print(
        f"\n{len(lines)} cases, {len(generated)} of them by scorer.py; {sum(line.rows for line in lines):,} rows compared, "
        f"largest difference {max(line.worst for line in generated):.1g}"
    )
    return int(any(line.path.startswith("scikit-learn: parity") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
