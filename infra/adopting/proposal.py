"""A first proposal for settings and schema, made from the data and from one training; all of it is there to be edited.

python -m infra.adopting.proposal FILE --target late --time seen_at --task classification
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Collection, Mapping
from typing import Any

from contracts.schema import Column, Schema, parse
from infra.adopting.limits import ESTIMATORS, model_settings
from rows.infer import Note, refuse_unknown, render
from rows.taking import Taken, take
from settings.errors import front_door

RARE = 0.10
"""With fewer positives, accuracy says nothing: always answering 'no' would be right nine times in ten."""
KEY = "is taken for the row's key, and is no feature"
LATER = (
    "is never before '{}': taken for known too late, and is no feature; "
    'of what is known in advance, as a planned date is, take "feature": false away'
)
KEY_NAME = re.compile(r"(^|[\W_])(id|uid|uuid|guid|key)$", re.IGNORECASE)


def schema_of(source: str, target: str, time: str, later: Collection[str] = ()) -> tuple[Schema, list[Note]]:
    """Return the proposed schema of a data file, and notes: what names the row is its key, and that and `later` no feature."""
    taken = take(source)
    refuse_unknown(source, target, taken.columns)
    taken = labelled(taken, target)
    inferred, notes = taken.schema(target, time)
    keys = [
        column.name
        for column in inferred.columns
        if column.name != target and _is_key(column, len(set(taken.texts(column.name))), taken.rows)
    ]
    declared = dict.fromkeys(later, {"feature": False}) | dict.fromkeys(keys, {"key": True})
    columns = [column | declared.get(column["name"], {}) for column in inferred.dump()["columns"]]
    notes = [note for note in notes if note.column not in declared] + [Note(name, KEY) for name in keys]
    notes += [Note(name, LATER.format(time)) for name in later]
    return parse(inferred.dump() | {"columns": columns, "target": target, "time": time}, source), notes


def labelled(taken: Taken, target: str) -> Taken:
    """Return the rows that have a label."""
    return taken.select([place for place, label in enumerate(taken.texts(target)) if label])


def _is_key(column: Column, distinct: int, rows: int) -> bool:
    return bool(KEY_NAME.search(column.name)) and distinct == rows and column.dtype in ("integer", "string")


def kind_of(labels: Mapping[str, int], task: str) -> str:
    """Return what is predicted, by how often each label occurs: `binary`, `rare` (few positives), `many`, or a `number`."""
    if task == "regression":
        return "number"
    if len(labels) != 2:
        return "many"
    return "rare" if positive_share(labels) < RARE else "binary"


def positive_share(labels: Mapping[str, int]) -> float:
    """Return the share of the label that training takes for the positive one: the last in order."""
    return labels[max(labels, key=_value)] / sum(labels.values())


def labels_of(source: str, target: str) -> dict[str, int]:
    """Return how often each label occurs; a missing one is none."""
    return dict(take(source).known(target))


def settings_of(kind: str, task: str, target: str, time: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings, by dotted key, that follow from the data; None removes what was the example's."""
    return {
        "project.task": task,
        "data.train": f"data/{files['train']}",
        "data.test": f"data/{files['test']}",
        "data.schema": "data/schema.json",
        "data.target": target,
        "data.time": time or None,
    } | model_settings(kind, task)


def _value(label: str) -> tuple[int, float, str]:
    """Order labels as training does: numbers by size, words by the alphabet."""
    try:
        return (0, float(label), "")
    except ValueError:
        return (1, 0.0, label)


def main() -> int:
    """Print schema, notes and kind as JSON. It runs where Parquet can be read: in the environment of the training lock."""
    parser = argparse.ArgumentParser(prog="python -m infra.adopting.proposal", description=__doc__)
    parser.add_argument("source", help="a CSV or Parquet file")
    parser.add_argument("--target", required=True, help="the column to predict")
    parser.add_argument("--time", default="", help="the column that says when a row happened")
    parser.add_argument("--later", nargs="*", default=(), help="columns that say when, and are never before --time")
    parser.add_argument("--task", required=True, choices=sorted(ESTIMATORS), help="what is predicted")
    given = parser.parse_args()
    schema, notes = schema_of(given.source, given.target, given.time, given.later)
    labels = labels_of(given.source, given.target)
    found = {"kind": kind_of(labels, given.task), "positive_share": positive_share(labels)}
    json.dump({"schema": render(schema), "notes": [str(note) for note in notes], **found}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
