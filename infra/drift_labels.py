"""Labels that arrived since, joined with the prediction log by request id."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.labels import class_of
from contracts.live_counts import Matured
from contracts.manifest import Manifest
from contracts.storage import cause_of, is_missing, next_step_of, opened
from rows.text import MARKS
from settings.errors import GatelineError, OutsideError, UsageError, did_you_mean
from settings.secrets import redacted

Key = tuple[str, int]


@dataclass(frozen=True)
class Arrived:
    """Predictions whose label has arrived, and what is to be said of the file of labels."""

    cells: tuple[Matured, ...] = ()
    until: str = ""
    """When the last of these predictions was made; empty where there is none."""
    notes: tuple[str, ...] = ()


def matured(
    url: str,
    target: str,
    log: Iterable[str],
    release: str,
    manifest: Manifest,
    since: str = "",
    marks: Iterable[str] = (),
) -> Arrived:
    """Return the predictions of `release`, made later than `since`, whose label stands in the CSV at `url`.

    They are counted by score, prediction and label. `log` are the lines of the prediction logs. The CSV has the columns
    `request_id` and `target`, and `row` where a request held several rows (counted from 0). A label is matched by value (`1`,
    `1.0` and `true` are one); a mark such as NA, or one of `marks`, is none, unless it is a class. One that is no class counts
    as a wrong answer.
    Raises UsageError for a missing file or column, and where no label can be understood.
    """
    texts = _labels(url, target)
    known = {key: label for key, text in texts.items() if (label := _meant(text, manifest)) is not None}
    blank = {*MARKS, *marks}
    strange = [key for key, text in texts.items() if key not in known and text not in blank]
    if strange and not known:
        raise _no_labels(url, target, len(strange), manifest)
    if manifest.classes:
        known |= {key: texts[key] for key in strange}
    found: Counter[tuple[float, str, str]] = Counter()
    until = ""
    for key, score, moment in _logged(log, release):
        if key in known and (moment > since or not since):
            compared, predicted = _decided(score, manifest)
            found[compared, predicted, known[key]] += 1
            until = max(until, moment)
    cells = tuple(Matured(score=s, predicted=p, actual=a, count=count) for (s, p, a), count in sorted(found.items()))
    without = len(texts) - len(known)
    return Arrived(cells, until, tuple(_told(url, sum(found.values()), without, len(strange), since, manifest)))


def _meant(text: str, manifest: Manifest) -> str | None:
    """Return a label as predictions write it, or None where the text is none."""
    if manifest.classes:
        label = class_of(text, manifest.classes)
        return None if label is None else str(label)
    try:
        number = float(text)
    except ValueError:
        return None
    return text if math.isfinite(number) else None


def _told(url: str, found: int, without: int, strange: int, since: str, manifest: Manifest) -> Iterator[str]:
    after = f" after {since}" if since else ""
    yield f"labels: {found:,} of {redacted(url)} belong to predictions of this release{after}"
    if without:
        yield f"labels: {without:,} hold a mark such as NA, or nothing that can be read: no label yet"
    if strange and manifest.classes:
        classes = ", ".join(map(str, manifest.classes[:5]))
        yield f"labels: {strange:,} are none of the classes ({classes}), and count as answered wrongly"


def _no_labels(url: str, target: str, count: int, manifest: Manifest) -> UsageError:
    wanted = f"one of the classes {', '.join(map(str, manifest.classes[:10]))}" if manifest.classes else "a number"
    return UsageError(
        f"{redacted(url)}: none of {count:,} labels in column '{target}' is {wanted}",
        "write labels as the training rows hold them",
    )


def _labels(url: str, target: str) -> dict[Key, str]:
    """Return the texts of the labels; an empty one is left out."""
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
            found = ((row["request_id"], _row(row.get("row")), (row[target] or "").strip()) for row in reader)
            return {(request, row): text for request, row, text in found if text}
    except GatelineError:
        raise
    except UnicodeDecodeError as error:
        raise UsageError(f"{url}: is not text in UTF-8: {error.reason}", "save the labels as CSV in UTF-8") from None
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


def _row(text: str | None) -> int:
    """Return the number of a row within its request; pandas writes 1.0 where others are missing."""
    number = float(text or 0)
    if number != int(number):
        raise ValueError(f"'{text}' is no row of a request")
    return int(number)


def _logged(log: Iterable[str], release: str) -> Iterator[tuple[Key, Any, str]]:
    """Yield every whole line of this release with its time; a line cut by a full disk is passed over."""
    for line in log:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("release") == release:
            yield (str(entry["request_id"]), int(entry["row"])), entry["score"], str(entry.get("time", ""))


def _decided(score: Any, manifest: Manifest) -> tuple[float, str]:
    """Return the score that is compared, and the label that was answered."""
    if manifest.task == "multiclass":
        best = max(range(len(score)), key=score.__getitem__)
        return float(score[best]), str(manifest.classes[best])
    if manifest.task == "regression":
        return float(score), str(score)
    negative = next(label for label in manifest.classes if label != manifest.positive)
    return float(score), str(manifest.positive if score >= manifest.threshold else negative)
