"""What the target's values mean: the task in full, the classes in order, the positive one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gateline.registry.loaded import read_only
from gateline.settings import Settings
from gateline.settings.errors import UsageError
from gateline.settings.shown import shown
from training.rows import Split


@dataclass(frozen=True)
class Labels:
    """`classes` are sorted, in the order of the probabilities; empty for regression."""

    task: Literal["binary", "multiclass", "regression"]
    classes: tuple[Any, ...] = ()
    positive: Any = None


def labels_of(split: Split, settings: Settings) -> Labels:
    """Return the task and classes of the training labels. Raises UsageError where target, task and settings do not agree."""
    train, name = split.train.labels, settings.data.target
    if settings.project.task == "regression":
        if train.dtype == object:
            raise UsageError(
                f"target '{name}' holds text, but project.task is regression", "set project.task, or declare a number"
            )
        return Labels("regression")
    _refuse_fractions(train, name)
    for rows, url in ((train, settings.data.train), (split.test.labels, settings.data.test)):
        _refuse_one_class(sorted(set(rows.tolist())), name, url)
    classes = tuple(sorted(set(train.tolist())))
    if len(classes) > max(2, len(train) // 2):
        raise UsageError(
            f"target '{name}' has {len(classes):,} different values in {len(train):,} rows: no classes to learn",
            "set project.task to regression, or name another target",
        )
    if len(classes) > 2:
        return Labels("multiclass", classes)
    return Labels("binary", classes, _positive(classes, settings))


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


def _refuse_fractions(labels: npt.NDArray[Any], name: str) -> None:
    """A column of numbers may hold classes, written 0.0 and 1.0; what lies between whole numbers is measured."""
    fractions = labels[labels % 1 != 0] if labels.dtype.kind == "f" else labels[:0]
    if len(fractions):
        raise UsageError(
            f"target '{name}' holds numbers such as {fractions[0]:g}, but project.task is classification",
            "set project.task to regression (invoke new --task=regression), or name another target",
        )


def _refuse_one_class(classes: list[Any], name: str, url: str) -> None:
    if len(classes) < 2:
        raise UsageError(
            f"{url}: all rows have one value of the target '{name}' ('{shown(classes[0])}')",
            "add rows of another class, or name another target",
        )


def _positive(classes: tuple[Any, ...], settings: Settings) -> Any:
    positive = settings.metrics.positive
    if positive is None:
        return classes[-1]
    if positive not in classes:
        raise UsageError(
            f"metrics.positive is {positive!r}, which the target '{settings.data.target}' never is",
            f"choose one of {', '.join(map(repr, classes))}",
        )
    return classes[classes.index(positive)]
