"""Labels that arrived since, joined with the prediction log by request id."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from contracts.live_counts import Matured
from contracts.manifest import Manifest
from contracts.storage import cause_of, is_missing, next_step_of, opened
from settings.errors import GatelineError, OutsideError, UsageError, did_you_mean

Key = tuple[str, int]


def matured(url: str, target: str, log: Iterable[str], release: str, manifest: Manifest) -> tuple[Matured, ...]:
    """Return the predictions of `release` whose label stands in the CSV at `url`, counted by score, prediction and label.

    `log` are the lines of the prediction logs. The CSV has the columns `request_id` and `target`, and `row` where a request
    held several rows (counted from 0). Raises UsageError for a missing file or column.
    """
    labels = _labels(url, target)
    found: Counter[tuple[float, str, str]] = Counter()
    for key, score in _logged(log, release):
        if key in labels:
            compared, predicted = _decided(score, manifest)
            found[compared, predicted, labels[key]] += 1
    cells = sorted(found.items())
    return tuple(Matured(score=s, predicted=p, actual=a, count=count) for (s, p, a), count in cells)


def _labels(url: str, target: str) -> dict[Key, str]:
    try:
        filesystem, path = opened(url)
        with filesystem.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = list(reader.fieldnames or ())
            for name in ("request_id", target):
                if name not in names:
                    raise UsageError(
                        f"{url} has no column '{name}'{did_you_mean(name, names)}",
                        "see data.labels in docs/settings.md",
                    )
            return {(row["request_id"], int(row.get("row") or 0)): row[target] for row in reader if row[target]}
    except GatelineError:
        raise
    except ValueError as error:
        raise UsageError(f"{url}: {error}", "column 'row' holds whole numbers, counted from 0") from None
    except Exception as error:
        if is_missing(error):
            raise UsageError(
                f"{url}: no such file of labels", "set data.labels to the file that labels arrive in"
            ) from None
        raise OutsideError(
            f"{url}: cannot be read: {cause_of(error)}", next_step_of(error, "check data.labels")
        ) from error


def _logged(log: Iterable[str], release: str) -> Iterator[tuple[Key, Any]]:
    """Yield every whole line of this release; a line cut by a full disk is passed over."""
    for line in log:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("release") == release:
            yield (str(entry["request_id"]), int(entry["row"])), entry["score"]


def _decided(score: Any, manifest: Manifest) -> tuple[float, str]:
    """Return the score that is compared, and the label that was answered."""
    if manifest.task == "multiclass":
        best = max(range(len(score)), key=score.__getitem__)
        return float(score[best]), str(manifest.classes[best])
    if manifest.task == "regression":
        return float(score), str(score)
    negative = next(label for label in manifest.classes if label != manifest.positive)
    return float(score), str(manifest.positive if score >= manifest.threshold else negative)
