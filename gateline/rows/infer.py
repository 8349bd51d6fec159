"""Propose a schema from a data file: a start to tighten by hand, the same for the same file.

What is proposed from a file passes on that file.
"""

import argparse
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

from gateline.contracts.schema import Schema, parse
from gateline.rows.columns import counts_of, rows_of
from gateline.rows.dates import numbered
from gateline.rows.forms import form_of, unread
from gateline.rows.kinds import Kind, counted, kind_of, kind_of_arrow, listed, natural, pattern_of, strange
from gateline.rows.parts import Part, named
from gateline.rows.streaming import Stream, read_parts, refuse
from gateline.rows.text import MARKS, spellings
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.shown import shown, tell

MOST_CATEGORIES = 30
REPEATED = 5
"""Times that each of a column's strings must occur on average before they are categories."""
HEAD_ROOM = 0.5
"""How far beyond the values seen a range goes, as a share of their span."""
SUSPICIOUS = ("-99", "-999", "-9999", "-99999", "999", "9999", "99999")
INDEX = re.compile(r"(__index_level_[0-9]+__|Unnamed: 0(\.[0-9]+)*|)")
"""What pandas calls the index that it writes along, or what is read of it where it had no name."""
SAYS_WHEN = 'says when: it may be the time column (data.time in pipeline.toml, "time" in the schema)'
ALSO_WHEN = 'says when, too: if it is known only after the target, declare "feature": false'
IS_INDEX = "is an index that pandas wrote along: write the file without it (index=False)"
NO_VALUES = "holds {} values that no column of a schema can hold: it is left out (extra_columns is 'allow')"
ONE_COLUMN = "name it with --target, or separate values by commas, semicolons, tabs or bars: the file has one column alone"
EXAMPLES = """examples:
  python -m gateline.contracts.schema infer data/train.csv > data/schema.json
  python -m gateline.contracts.schema infer data/train.parquet --target late
  python -m gateline.contracts.schema infer data/train.csv --missing "NULL,?" > data/schema.json

The proposal goes to standard output, what to look at by hand to standard error."""


class Note(NamedTuple):
    """What the person who tightens a schema should look at."""

    column: str
    text: str

    def __str__(self) -> str:
        """Name the column first."""
        return f"'{shown(self.column)}': {self.text}"


@dataclass(frozen=True)
class Values:
    """What a proposal for one column is made from."""

    counter: Counter[str]
    """How often each text occurs, missing values included."""
    missing: tuple[str, ...] = MARKS
    """The texts that stand for a missing value, trimmed."""
    kind: Kind | None = None
    """The type, where it is known: a Parquet column's own."""
    rows_of: Callable[[Collection[str]], tuple[int, ...]] = lambda texts: ()
    """Returns the numbers of the first rows that hold one of the texts."""

    @cached_property
    def known(self) -> Counter[str]:
        """The counts without what is missing."""
        marks = {"", *self.missing}
        return Counter({text: count for text, count in self.counter.items() if text.strip() not in marks})


def infer(url: str, target: str = "", time: str = "", missing: tuple[str, ...] = MARKS) -> tuple[Schema, list[Note]]:
    """Return a schema for one CSV or Parquet file, and notes for the person who tightens it.

    `time` is the column that says when a row happened, where that is decided already; `missing` are the texts that stand for a
    missing value. Raises UsageError for a file that cannot be read as it is, or has no such target.
    """
    part, *others = parts = read_parts(Stream(url))
    refuse(url, parts, sum(each.rows for each in parts))
    if others or part.name:
        raise UsageError(f"{url}: is a folder", "name one of its files: the schema holds for all of them")
    names = part.names()
    refuse_unknown(url, target, names)
    nameless = [place for place, name in enumerate(names, start=1) if not name.strip()]
    if nameless:
        why = "it is an index that pandas or R wrote along; " if nameless == [1] else ""
        raise UsageError(
            f"{url}: column {nameless[0]} of {len(names)} has no name",
            f"{why}write the file without it (index=False, row.names=FALSE), or give it a name",
        )
    return schema_of(part, url, target, time, missing)


def schema_of(
    part: Part, url: str, target: str = "", time: str = "", missing: tuple[str, ...] = MARKS
) -> tuple[Schema, list[Note]]:
    """Return a schema for rows that were read, and notes; `url` names them in an error."""
    columns, notes = list[dict[str, Any]](), list[Note]()
    body: dict[str, Any] = {"columns": columns, "target": target, "missing": [mark for mark in missing if mark]}
    for name, counter in counts_of(part).items():
        values = Values(counter, missing, rows_of=partial(rows_of, part, name))
        if not part.text:
            kind = kind_of_arrow(part.table[name], values.known)
            if kind is None:
                body["extra_columns"] = "allow"
                notes.append(Note(name, NO_VALUES.format(part.table[name].type)))
                continue
            values = replace(values, kind=kind)
        column, remarks = propose(name, values, labels=name == target)
        columns.append(column)
        remarks += [ALSO_WHEN if time else SAYS_WHEN] if column["dtype"] == "datetime" and name != time else []
        remarks += [IS_INDEX] if INDEX.fullmatch(name) else []
        notes += [Note(name, remark) for remark in remarks]
    return parse(body, url), notes


def refuse_unknown(url: str, target: str, names: Collection[str]) -> None:
    """Raise UsageError unless `target`, where it is given, is one of the columns."""
    if target and target not in names:
        raise UsageError(
            f"{url}: there is no column '{target}'{did_you_mean(target, names)} (columns: {', '.join(map(shown, names))})",
            ONE_COLUMN if len(names) == 1 else "name one of them with --target",
        )


def propose(name: str, values: Values, *, labels: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Return one column's declaration, and remarks. `labels` says that the values are classes."""
    known, total = values.known, values.counter.total()
    kind = values.kind or kind_of(known, has_missing=known.total() < total)
    body: dict[str, Any] = {"name": name, "dtype": kind.dtype}
    remarks = [kind.remark] if kind.remark else []
    marks = list(listed(kind.strays))
    remarks += [_stray(name, kind, known, values)] if kind.strays else []
    is_number = kind.dtype in ("integer", "number")
    strays = set(kind.strays)
    standing = _standing_apart(Counter({text: known[text] for text in known if text not in strays})) if is_number else []
    for text in standing:
        remarks.append(
            f"{text} occurs {known[text]} times, far from all other values: taken for missing, as the schema says "
            f"(\"missing\" of '{name}'); if it is a real value, take it out of there"
        )
    marks += standing
    if marks:
        body["missing"] = marks
    strays.update(marks)
    known = Counter({text: count for text, count in known.items() if text not in strays})
    if known.total() < total:
        body["nullable"] = head_room(1 - known.total() / total)
    remarks += _remarks(kind.dtype, known, total)
    if kind.dtype == "string":
        body |= _strings(known, labels)
        remarks += _of_words(known, "pattern" in body, values)
    elif is_number:
        moments = numbered(name, known)
        remarks += [f"looks like {moments[0].partition(':')[0]}, read as numbers: write them as 2025-03-14"] if moments else []
        body |= _numbers(name, kind.dtype, known, labels)
    return body, remarks


def _stray(name: str, kind: Kind, known: Counter[str], values: Values) -> str:
    """Name what is not of the column's type: what is wrong where that is known, else only where, since values are private."""
    count = counted(known, kind.strays)
    odd = Counter(what for text in kind.strays if (what := strange(text)))
    why = f", of which {', '.join(f'{number} {what}' for what, number in odd.items())}" if odd else ""
    beyond = count - counted(known, listed(kind.strays))
    fails = f"; {beyond} are too long or too many to be listed there, so these rows fail: write nothing in their place"
    return (
        f"{count} of {known.total()} values are not of dtype {kind.dtype}{why}{named(values.rows_of(kind.strays), count)}: "
        f"taken for missing, as the schema says (\"missing\" of '{name}'){fails if beyond else ''}"
    )


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
    """Return a schema as JSON with one column a line, whole numbers without a decimal point."""
    body = schema.dump()
    plain = [
        {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in column.items()}
        for column in body.pop("columns")
    ]
    columns = ",\n".join("    " + json.dumps(column, ensure_ascii=False) for column in plain)
    roles = "".join(f",\n  {json.dumps(name)}: {json.dumps(value)}" for name, value in body.items())
    return f'{{\n  "columns": [\n{columns}\n  ]{roles}\n}}'


def marks_from(text: str) -> tuple[str, ...]:
    """Return the marks that an option lists with commas between; the empty text is always one of them."""
    return tuple(dict.fromkeys(["", *(mark.strip() for mark in text.split(","))]))


def main() -> int:
    """Print the proposal, and the notes on standard error."""
    told: dict[str, Any] = {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser("python -m gateline.contracts.schema", description="Work with schema files.", **told)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("infer", help="propose a schema from a data file", **told)
    command.add_argument("data", metavar="FILE", help="a CSV or Parquet file, or its fsspec URL")
    command.add_argument(
        "--target", default="", metavar="COLUMN", help="the column to predict: its labels become categories"
    )
    command.add_argument(
        "--missing",
        metavar="MARKS",
        help="texts that stand for a missing value, with commas between (default: NA, NULL, ? …)",
    )
    arguments = parser.parse_args()
    missing = MARKS if arguments.missing is None else marks_from(arguments.missing)
    schema, notes = infer(arguments.data, arguments.target, missing=missing)
    print(render(schema))
    for note in notes:
        tell(f"note: {note}", error=True)
    return 0


def _strings(known: Counter[str], labels: bool) -> dict[str, Any]:
    if 0 < len(known) <= MOST_CATEGORIES and (labels or known.total() >= REPEATED * len(known)):
        return {"categories": sorted(known)}
    pattern = pattern_of(known)
    return {"pattern": pattern} if pattern else {}


def _numbers(name: str, dtype: str, known: Counter[str], labels: bool) -> dict[str, Any]:
    values = [float(text) for text in known]
    if dtype == "integer" and 0 < len(values) <= MOST_CATEGORIES and (labels or set(values) == {0.0, 1.0}):
        return {"categories": sorted({int(value) for value in values})}
    if not values:
        return {}
    low, high = span(dtype, min(values), max(values))
    least, greatest = natural(name, min(values), max(values)) or (low, high)
    return {"minimum": max(low, least), "maximum": min(high, greatest)}


def _standing_apart(known: Counter[str]) -> list[str]:
    """Return numbers such as -999 that are further from all others than their whole span, and than half their own size."""
    found = []
    for text in (text for text in known if text.strip().removesuffix(".0") in SUSPICIOUS):
        value, others = float(text), [float(other) for other in known if other != text]
        low, high = (min(others), max(others)) if others else (value, value)
        if max(low - value, value - high) > max(high - low, abs(value) / 2):
            found.append(text)
    return found


def _remarks(dtype: str, known: Counter[str], total: int) -> Iterator[str]:
    if not known:
        yield "holds no value: declared as strings, all of which may be missing"
    if len(known) == 1 and total > 1:
        yield "holds one value alone: it tells a model nothing"
    if dtype in ("string", "integer") and len(known) == total >= MOST_CATEGORIES:
        yield 'is different in every row: if it names the row, declare "key": true, otherwise perhaps "unique": true'
    negative = {text for text in known if text[0] == "-"}
    if dtype in ("integer", "number") and negative == {"-1"} and known.keys() != {"-1", "1"}:
        yield (
            f"-1 occurs {known['-1']} times among values that are otherwise not negative: "
            "where it stands for 'missing', write nothing in its place"
        )


def _of_words(known: Counter[str], has_pattern: bool, values: Values) -> Iterator[str]:
    """Say of a column of words what it might be instead."""
    if len(known) > MOST_CATEGORIES and known.total() >= REPEATED * len(known) and not has_pattern:
        yield (
            f"holds {len(known)} words, more than the {MOST_CATEGORIES} that are listed by themselves: any word passes; "
            "declare categories or a pattern, if these are all there are"
        )
    # In free text, words that differ by capitals or blanks say nothing.
    others = spellings(known) if known.total() >= 2 * len(known) else {}
    if others:
        count = sum(known[text] for text in others)
        yield (
            f"{len(others)} of its words are others but for capitals or blanks, in {count:,} values"
            f"{named(values.rows_of(others), count)}: a model takes each spelling for a word of its own; write them alike"
        )
    form, seems = form_of(known), unread(known)
    if form is not None:
        yield f"looks like {form.text.partition(':')[0]}, which are read as words here: write them plainly"
    elif seems:
        yield f"looks like {seems}"
