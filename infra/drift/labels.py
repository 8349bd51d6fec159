"""Labels that arrived since, joined with the prediction log by request id."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateline.contracts.manifest import Manifest, class_of
from gateline.contracts.reference import Matured
from gateline.rows.text import MARKS
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.secrets import redacted
from infra.drift.window import Judged

if TYPE_CHECKING:
    from gateline.rows.parts import Part

Key = tuple[str, int]


@dataclass(frozen=True)
class Arrived:
    """Predictions whose label has arrived and was not judged before, and what is to be said of the file of labels."""

    cells: tuple[Matured, ...] = ()
    judged: Judged = Judged()
    """All whose label has been judged, once these have been."""
    notes: tuple[str, ...] = ()


def matured(
    url: str,
    target: str,
    log: Iterable[str],
    release: str,
    manifest: Manifest,
    before: Judged = Judged(),
    marks: Iterable[str] = (),
) -> Arrived:
    """Return the predictions of `release` whose label stands in the file at `url` and was not judged `before`.

    They are counted by score, prediction and label. `log` are the lines of the prediction logs. The file, CSV or Parquet, has
    the columns `request_id` and `target`, and `row` where a request held several rows (counted from 0). A label is matched by
    value (`1`, `1.0` and `true` are one); a mark such as NA, or one of `marks`, is none, unless it is a class. One that is no
    class counts as a wrong answer.
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
    tokens, until, late = set[str](), before.until, 0
    for key, score, moment in _logged(log, release):
        token = _token(key)
        if token in before.tokens:
            tokens.add(token)
        elif key in known:
            compared, predicted = _decided(score, manifest)
            found[compared, predicted, known[key]] += 1
            tokens.add(token)
            until, late = max(until, moment), late + (moment <= before.until)
    cells = tuple(Matured(score=s, predicted=p, actual=a, count=count) for (s, p, a), count in sorted(found.items()))
    notes = [*_told(url, sum(found.values()), len(texts) - len(known), len(strange), manifest), *_late(late, before)]
    return Arrived(cells, Judged(until, frozenset(tokens)), tuple(notes))


def _token(key: Key) -> str:
    return base64.b64encode(hashlib.blake2b(repr(key).encode(), digest_size=6).digest()).decode()


def _late(count: int, before: Judged) -> Iterator[str]:
    if count:
        yield f"labels: {count:,} came late: others of predictions made up to {before.until} have been judged before"


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


def _told(url: str, found: int, without: int, strange: int, manifest: Manifest) -> Iterator[str]:
    yield f"labels: {found:,} of {redacted(url)} belong to predictions of this release, not judged before"
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
    from gateline.rows.columns import as_text
    from gateline.rows.streaming import Stream, read_parts

    def texts_of(part: Part, name: str) -> list[str]:
        if name in part.partition:
            return [part.partition[name]] * part.rows
        return [as_text(value).strip() for value in part.table[name].to_pylist()]

    found: dict[Key, str] = {}
    for part in read_parts(Stream(url)):
        for finding in (each for each in part.findings if not each.lossless):
            raise UsageError(f"{redacted(url)}: {finding.reason}", finding.next_step)
        names = part.names()
        for name in ("request_id", target):
            if name not in names:
                raise UsageError(
                    f"{redacted(url)} has no column '{name}'{did_you_mean(name, names)}", "see data.labels in docs/settings.md"
                )
        requests, texts = texts_of(part, "request_id"), texts_of(part, target)
        rows = texts_of(part, "row") if "row" in names else [""] * part.rows
        try:
            found |= {(request, _row(row)): text for request, row, text in zip(requests, rows, texts) if text}
        except ValueError as error:
            raise UsageError(f"{redacted(url)}: {error}", "column 'row' holds whole numbers, counted from 0") from None
    return found


def _row(text: str) -> int:
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
        return float(max(score)), str(manifest.decide(score))
    if manifest.task == "regression":
        return float(score), str(score)
    return float(score), str(manifest.decide_by(score))
