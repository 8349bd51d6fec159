"""The rows to fit on and to measure on, and what the target's values mean: task, classes in order, the positive one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.manifest import Objects, positive_column
from gateline.contracts.schema import Schema
from gateline.registry.loaded import read_only
from gateline.rows.cells import Cells
from gateline.rows.reading import read_table
from gateline.settings import Data, Settings
from gateline.settings.errors import UsageError
from gateline.settings.shown import shown
from validation.matrix import features_of, target_of
from validation.metrics import Task


@dataclass(frozen=True)
class Rows:
    """`features` has shape (n, features), in schema order; `labels` has shape (n,)."""

    features: npt.NDArray[np.object_]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Split:
    """Training and test rows. `young` counts the training rows left out because their labels were not final."""

    train: Rows
    test: Rows
    young: int = 0
    period: tuple[str, str] | None = None


@dataclass(frozen=True)
class Labels:
    """`classes` are sorted, in the order of the probabilities; empty for regression."""

    task: Task
    classes: tuple[Any, ...] = ()
    positive: Any = None


def read(data: Data, schema: Schema, which: Mapping[str, str | Objects] | None = None) -> Split:
    """Read training and test rows; leave out training rows whose labels are younger than the label delay.

    `which` says what is read as `train` and as `test` in place of the URLs that `data` names. The newest training row is
    'now': a label that was not final by then would not have been known, nor one without a time.
    Raises UsageError for data that cannot be read, and where nothing remains.
    """
    which = which or {"train": data.train, "test": data.test}
    columns, delay = read_table(which["train"], schema), data.label_delay_hours
    count = len(next(iter(columns.values())))
    timed = bool(schema.time) and schema.column(schema.time).dtype == "datetime"
    if delay and not timed:
        raise UsageError(
            f"data.label_delay_hours is {delay:g}, but data.time names no datetime column",
            "name the time column under [data], or take the delay away",
        )
    times = columns[schema.time].floats if timed else np.full(count, np.nan)
    if delay:
        mature = times <= (np.nanmax(times) if np.isfinite(times).any() else np.nan) - delay * 3600.0
        columns, times = {name: cells.kept(mature) for name, cells in columns.items()}, times[mature]
    if not len(times):
        raise UsageError(
            f"{data.train}: none of {count} rows has a label older than data.label_delay_hours = {delay:g}",
            "add older rows, or lower the delay",
        )
    test = read_table(which["test"], schema)
    period = None
    if np.isfinite(times).any():
        first, last = (datetime.fromtimestamp(float(when), UTC) for when in (np.nanmin(times), np.nanmax(times)))
        period = first.isoformat(), last.isoformat()
    return Split(_rows(columns, schema, data.train), _rows(test, schema, data.test), count - len(times), period)


def _rows(columns: Mapping[str, Cells], schema: Schema, url: str) -> Rows:
    return Rows(features_of(columns, schema), target_of(columns, schema, url))


def labels_of(split: Split, settings: Settings) -> Labels:
    """Return the task and classes of the training labels. Raises UsageError where target, task and settings do not agree."""
    train, name = split.train.labels, settings.data.target
    if settings.project.task == "regression":
        if train.dtype == object:
            raise UsageError(
                f"target '{name}' holds text, but project.task is regression", "set project.task, or declare a number"
            )
        return Labels("regression")
    # A column of numbers may hold classes, written 0.0 and 1.0; what is between whole numbers is measured.
    fractions = train[train % 1 != 0] if train.dtype.kind == "f" else train[:0]
    if len(fractions):
        raise UsageError(
            f"target '{name}' holds numbers such as {fractions[0]:g}, but project.task is classification",
            "set project.task to regression (invoke new --task=regression), or name another target",
        )
    for rows, url in ((train, settings.data.train), (split.test.labels, settings.data.test)):
        found = set(rows.tolist())
        if len(found) < 2:
            raise UsageError(
                f"{url}: all rows have one value of the target '{name}' ('{shown(found.pop())}')",
                "add rows of another class, or name another target",
            )
    classes = tuple(sorted(set(train.tolist())))
    if len(classes) > max(2, len(train) // 2):
        raise UsageError(
            f"target '{name}' has {len(classes):,} different values in {len(train):,} rows: no classes to learn",
            "set project.task to regression, or name another target",
        )
    if len(classes) > 2:
        return Labels("multiclass", classes)
    positive = settings.metrics.positive
    if positive is not None and positive not in classes:
        raise UsageError(
            f"metrics.positive is {positive!r}, which the target '{name}' never is",
            f"choose one of {', '.join(map(repr, classes))}",
        )
    return Labels("binary", classes, classes[positive_column(classes, positive)])


def refuse_other_classes(estimator: Any, labels: Labels) -> None:
    """Raise UsageError where a fitted estimator orders its probabilities otherwise than the classes are sorted.

    One that was fitted to the numbers of the classes has these.
    """
    own = getattr(estimator, "classes_", None)
    orders = (labels.classes, tuple(range(len(labels.classes))))
    if labels.task != "regression" and own is not None and tuple(own.tolist()) not in orders:
        raise UsageError(
            f"the estimator orders its classes {own.tolist()[:5]}, sorted they are {list(labels.classes)[:5]}",
            "let its classes_ be sorted, as scikit-learn's are",
        )


def refuse_swapped(estimator: Any, labels: Labels, called: Sequence[Any], features: npt.NDArray[Any]) -> None:
    """Raise UsageError where an estimator that does not name its classes answers, by `predict`, mostly others than those
    `called` from its probabilities: their columns stand in another order."""
    if labels.task == "regression" or hasattr(estimator, "classes_") or not hasattr(estimator, "predict"):
        return
    said = [str(answer) for answer in np.asarray(estimator.predict(read_only(features))).ravel().tolist()]
    places = {label: place for place, label in enumerate(labels.classes)}
    apart = sum(answer not in (str(label), str(places[label])) for answer, label in zip(said, called))
    if 2 * apart > len(called):
        raise UsageError(
            f"predict and predict_proba name different classes for {apart:,} of {len(called):,} test rows",
            f"let the columns of predict_proba stand in the order {', '.join(map(str, labels.classes[:5]))}",
        )
