"""Propose a schema from a data file: a start to tighten by hand, the same for the same file."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from contracts.counts import count_values, refuse_unknown
from contracts.schema import Dtype, Schema, parse
from contracts.shapes import pattern_of
from contracts.text import FALSE, MISSING, TRUE, is_datetime, is_integer, is_number

MOST_CATEGORIES = 30
REPEATED = 5
"""Times that each of a column's strings must stand on average before they are categories."""
HEAD_ROOM = 0.5
"""How far beyond the values seen a range goes, as a share of their span."""
SUSPICIOUS = ("-99", "-999", "-9999", "-99999", "999", "9999", "99999")
OTHER_DATE = re.compile(r"\d{1,4}([/.-])\d{1,2}\1\d{1,4}([ T].*)?")
"""Dates as people write them, whose day and month cannot be told apart; ISO 8601 was recognised before."""
SAYS_WHEN = 'says when: it may be the time column (data.time in pipeline.toml, "time" in the schema)'
ALSO_WHEN = 'says when, too: if it is known only after the target, declare "feature": false'
EXAMPLES = """examples:
  python -m contracts.schema infer data/train.csv > data/schema.json
  python -m contracts.schema infer data/train.parquet --target late

The proposal goes to standard output, what to look at by hand to standard error."""


class Note(NamedTuple):
    """What the person who tightens a schema should look at."""

    column: str
    text: str

    def __str__(self) -> str:
        """Name the column first."""
        return f"'{self.column}': {self.text}"


def infer(url: str, target: str = "", time: str = "") -> tuple[Schema, list[Note]]:
    """Return a schema for one CSV or Parquet file, and notes for the person who tightens it. Raises UsageError.

    `time` is the column that says when a row happened, where that is decided already.
    """
    counts = count_values(url)
    if target:
        refuse_unknown(url, target, counts)
    columns: list[dict[str, Any]] = []
    notes: list[Note] = []
    for name, counter in counts.items():
        body, remarks = propose(name, counter, labels=name == target)
        columns.append(body)
        remarks += [ALSO_WHEN if time else SAYS_WHEN] if body["dtype"] == "datetime" and name != time else []
        notes += [Note(name, remark) for remark in remarks]
    return parse({"columns": columns, "target": target}, url), notes


def propose(name: str, counter: Counter[str], *, labels: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Return one column's declaration, and remarks. `counter` counts its values as text; `labels` says they are classes."""
    dtype = dtype_of(counter)
    missing = ("",) if dtype == "string" else MISSING
    known = Counter({text: count for text, count in counter.items() if text not in missing})
    body: dict[str, Any] = {"name": name, "dtype": dtype}
    if known.total() < counter.total():
        body["nullable"] = head_room(1 - known.total() / counter.total())
    remarks = list(_remarks(dtype, known, counter.total()))
    if dtype == "string":
        body |= _strings(known, labels)
        if len(known) > MOST_CATEGORIES and known.total() >= REPEATED * len(known) and "pattern" not in body:
            remarks.append(
                f"holds {len(known)} words, more than the {MOST_CATEGORIES} that are listed by themselves: any word passes; "
                "declare categories or a pattern, if these are all there are"
            )
    elif dtype in ("integer", "number"):
        body |= _numbers(dtype, known, labels, remarks)
    return body, remarks


def dtype_of(counter: Counter[str]) -> Dtype:
    """Return the narrowest dtype that every value is of; a column without values is of strings."""
    texts = [text for text in counter if text not in MISSING]
    if not texts:
        return "string"
    if all(text in TRUE[:-1] + FALSE[:-1] for text in texts):
        return "boolean"
    if all(map(is_integer, texts)):
        return _integer_or_other(texts, has_missing=len(texts) < len(counter))
    if all(map(is_number, texts)):
        return "number"
    return "datetime" if all(map(is_datetime, texts)) else "string"


def head_room(share: float) -> float:
    """Return a share of missing values, raised by a quarter and a hundredth and rounded up to hundredths."""
    return min(1.0, math.ceil(round(100 * (1.25 * share + 0.01), 6)) / 100)


def span(dtype: str, low: float, high: float) -> tuple[float, float]:
    """Return a range with head-room; one that starts at or above 0 stays there, and so does one below."""
    room = HEAD_ROOM * (high - low) or max(1.0, HEAD_ROOM * abs(high))
    step = 10.0 ** math.floor(math.log10(room)) if dtype == "number" else 1.0
    least, greatest = (math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step)
    digits = 12 - math.ceil(math.log10(max(abs(least), abs(greatest), step)))
    least, greatest = round(least, digits), round(greatest, digits)
    return (max(least, 0.0) if low >= 0 else least, min(greatest, 0.0) if low < 0 >= high else greatest)


def render(schema: Schema) -> str:
    """Return a schema as JSON with one column a line."""
    body = schema.dump()
    columns = ",\n".join("    " + json.dumps(_plain(column), ensure_ascii=False) for column in body.pop("columns"))
    roles = "".join(f",\n  {json.dumps(name)}: {json.dumps(value)}" for name, value in body.items())
    return f'{{\n  "columns": [\n{columns}\n  ]{roles}\n}}'


def main() -> int:
    """Print the proposal, and the notes on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m contracts.schema",
        description="Work with schema files.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "infer",
        help="propose a schema from a data file",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("data", metavar="FILE", help="a CSV or Parquet file, or its fsspec URL")
    command.add_argument(
        "--target", default="", metavar="COLUMN", help="the column to predict: its labels become categories"
    )
    arguments = parser.parse_args()
    schema, notes = infer(arguments.data, arguments.target)
    print(render(schema))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _integer_or_other(texts: list[str], *, has_missing: bool) -> Dtype:
    """`007` is a code, not a number; `1990.0` is whole only where missing values made pandas write it so."""
    if any(
        text.strip().lstrip("+-").startswith("0") and text.strip().isdigit() and len(text.strip()) > 1 for text in texts
    ):
        return "string"
    if any(not -(2**63) <= int(text.strip().partition(".")[0]) < 2**63 for text in texts):
        return "string"
    return "number" if any("." in text for text in texts) and not has_missing else "integer"


def _strings(known: Counter[str], labels: bool) -> dict[str, Any]:
    few = 0 < len(known) <= MOST_CATEGORIES
    if few and (labels or known.total() >= REPEATED * len(known)):
        return {"categories": sorted(known)}
    pattern = pattern_of(known)
    return {"pattern": pattern} if pattern else {}


def _numbers(dtype: str, known: Counter[str], labels: bool, remarks: list[str]) -> dict[str, Any]:
    values = {text: float(text) for text in known}
    standing = [text for text in known if text.strip().removesuffix(".0") in SUSPICIOUS and _apart(text, values)]
    for text in standing:
        remarks.append(
            f"{text} stands {known[text]} times, far from all other values: declared as a sentinel, so this data will fail "
            "until missing values are written as empty; if it is a real value, take it out of sentinels"
        )
    rest = [value for text, value in values.items() if text not in standing]
    body: dict[str, Any] = {"sentinels": [int(float(text)) for text in standing]} if standing else {}
    if dtype == "integer" and len(rest) <= MOST_CATEGORIES and (labels or set(rest) == {0.0, 1.0}):
        return body | {"categories": sorted(int(value) for value in rest)}
    if not rest:
        return body
    low, high = span(dtype, min(rest), max(rest))
    return body | {"minimum": low, "maximum": high}


def _apart(text: str, values: dict[str, float]) -> bool:
    """Say whether a value lies further from all others than their whole span, and than half its own size."""
    value, others = float(text), [other for name, other in values.items() if name != text]
    if not others:
        return False
    low, high = min(others), max(others)
    return max(low - value, value - high) > max(high - low, abs(value) / 2)


def _remarks(dtype: str, known: Counter[str], total: int) -> Iterator[str]:
    if not known:
        yield "holds no value: declared as strings, all of which may be missing"
    if len(known) == 1 and total > 1:
        yield "holds one value alone: it tells a model nothing"
    if dtype in ("string", "integer") and len(known) == total >= MOST_CATEGORIES:
        yield 'is different in every row: if it names the row, declare "key": true, otherwise perhaps "unique": true'
    if dtype == "string" and any(text in MISSING for text in known):
        yield "holds words such as 'NA' or 'null': in a column of strings they are values, not missing"
    if dtype == "string" and known and all(map(OTHER_DATE.fullmatch, known)):
        yield "looks like dates, in a form that is read as words, of which a model learns nothing: write them as 2025-03-14"
    if dtype in ("integer", "number") and "-1" in known and not any(text[0] == "-" for text in known if text != "-1"):
        yield (
            f"-1 stands {known['-1']} times among values that are otherwise not negative: "
            "where it stands for 'missing', write nothing in its place"
        )


def _plain(column: dict[str, Any]) -> dict[str, Any]:
    """Write whole numbers without a decimal point."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in column.items()
    }
