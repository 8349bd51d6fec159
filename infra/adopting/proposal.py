"""A first proposal for settings and schema, made from the data and from one training; all of it is there to be edited.

python -m infra.adopting.proposal FILE --target late --time seen_at --task classification
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Collection, Mapping
from typing import Any

from contracts.counts import count_values
from contracts.infer import Note, infer, render
from contracts.schema import Column, Schema, parse
from settings.errors import front_door

RARE = 0.10
"""With fewer positives, accuracy says nothing: always answering 'no' would be right nine times in ten."""
ROOM = 0.1
"""How far below the first model's value a limit is proposed, or how far above for an error, as a share of it."""
MARGIN = 0.02
FEW_POSITIVES = 0.45
"""On n positives, four of five equal models are shown to lose less average precision than this by the root of n (measured:
`benchmarks/few_positives.py` of the template)."""
WORSE = 0.05
PROPOSED = "a proposal, from the first model: edit it"
KEY = "is taken for the row's key, and is no feature"
LATER = (
    "is never before '{}': taken for known too late, and is no feature; "
    'of what is known in advance, as a planned date is, take "feature": false away'
)
KEY_NAME = re.compile(r"(^|[\W_])(id|uid|uuid|guid|key)$", re.IGNORECASE)
LOWEST = {"binary": ("roc_auc",), "rare": ("average_precision", "recall_at_fpr"), "many": ("f1",), "number": ("r2",)}
PRIMARY = {"binary": "roc_auc", "rare": "average_precision", "many": "log_loss", "number": "rmse"}
MINIMIZED = ("log_loss", "rmse")
ESTIMATORS = {"classification": "HistGradientBoostingClassifier", "regression": "HistGradientBoostingRegressor"}


def schema_of(source: str, target: str, time: str, later: Collection[str] = ()) -> tuple[Schema, list[Note]]:
    """Return the proposed schema of a data file, and notes: what names the row is its key, and that and `later` no feature."""
    inferred, notes = infer(source, target, time)
    counts = count_values(source)
    rows = max(counter.total() for counter in counts.values())
    keys = [
        column.name
        for column in inferred.columns
        if column.name != target and _is_key(column, len(counts[column.name]), rows)
    ]
    declared = dict.fromkeys(later, {"feature": False}) | dict.fromkeys(keys, {"key": True})
    columns = [column | declared.get(column["name"], {}) for column in inferred.dump()["columns"]]
    notes = [note for note in notes if note.column not in declared] + [Note(name, KEY) for name in keys]
    notes += [Note(name, LATER.format(time)) for name in later]
    return parse({"columns": columns, "target": target, "time": time}, source), notes


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
    return {label: count for label, count in count_values(source)[target].items() if label.strip()}


def settings_of(kind: str, task: str, target: str, time: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings, by dotted key, that follow from the data; None removes what was the example's."""
    return {
        "project.task": task,
        "data.train": f"data/{files['train']}",
        "data.test": f"data/{files['test']}",
        "data.schema": "data/schema.json",
        "data.target": target,
        "data.time": time or None,
        "model.estimator": f"sklearn.ensemble.{ESTIMATORS[task]}",
        "metrics.primary": PRIMARY[kind],
        "metrics.direction": "minimize" if PRIMARY[kind] in MINIMIZED else "maximize",
        "metrics.custom": None,
        "gates.model": {},
    }


def limits_of(kind: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the limits of `[gates.model]` that the first model keeps with some room."""
    lowest = {name: math.floor(100 * metrics[name] * (1 - ROOM)) / 100 for name in LOWEST[kind] if name in metrics}
    limits = {f"min_{name}": value for name, value in lowest.items() if value > 0}
    errors = {f"max_{name}": float(f"{metrics[name] * (1 + ROOM):.3g}") for name in MINIMIZED if name == PRIMARY[kind]}
    return limits | errors


def margin_of(kind: str, positives: float) -> float:
    """Return `gates.model.margin`: two points of a score; of an error, the share of the champion's that it is relative to.

    Where few of the test rows are positive, it is no less than what can be shown on as many.
    """
    if PRIMARY[kind] in MINIMIZED:
        return WORSE
    shown = math.ceil(100 * FEW_POSITIVES / math.sqrt(max(positives, 1.0))) / 100 if kind == "rare" else 0.0
    return max(MARGIN, shown)


def margin_is(kind: str) -> str:
    """Return what stands beside a margin: what it says, and in what it is counted."""
    primary = PRIMARY[kind]
    unit = f"as a share of its {primary}" if primary in MINIMIZED else f"in points of {primary}"
    return f"how much worse than the champion a candidate may be, {unit}: edit it"


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
