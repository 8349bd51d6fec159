"""True and predicted values of the same rows, ready to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

Task = Literal["binary", "multiclass", "regression"]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """`scores` has shape (n, classes), or (n, 1) for regression; the other arrays have shape (n,).

    `truth` and `called` are true and decided labels as places in `classes` (from `len(classes)` on: labels the model does
    not know); for regression they are the numbers themselves.
    """

    task: Task
    classes: tuple[Any, ...]
    positive_column: int
    y_true: Labels
    decided: Labels
    scores: Floats
    truth: Labels
    called: Labels

    @classmethod
    def of(
        cls,
        task: Task,
        y_true: Labels,
        scores: Floats,
        decided: Labels | Sequence[Any],
        classes: Sequence[Any] = (),
        positive: Any = None,
    ) -> Self:
        """Return the scored rows; the positive class is the last one where `positive` is none of `classes`."""
        listed = tuple(classes)
        column = listed.index(positive) if positive is not None and positive in listed else max(len(listed) - 1, 0)
        truths, calls = _plain(y_true, task), _plain(decided, task)
        if task == "regression":
            return cls(task, listed, 0, truths, calls, scores, truths, calls)
        strangers = sorted(set(truths.tolist()) - set(listed), key=str)
        places = {label: place for place, label in enumerate((*listed, *strangers))}
        codes = [np.array([places[label] for label in labels], dtype=np.intp) for labels in (truths, calls)]
        return cls(task, listed, column, truths, calls, scores, *codes)

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: npt.NDArray[np.intp]) -> Scored:
        """Return the same for some of the rows (repetitions allowed)."""
        parts = (part[rows] for part in (self.y_true, self.decided, self.scores, self.truth, self.called))
        return Scored(self.task, self.classes, self.positive_column, *parts)

    def followed_by(self, other: Scored) -> Scored:
        """Return these rows and then the rows of another model of the same classes."""
        pairs = ("y_true", "decided", "scores", "truth", "called")
        parts = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in pairs)
        return Scored(self.task, self.classes, self.positive_column, *parts)

    def floored(self) -> Scored:
        """Return the same with no probability below 1/(2n): n rows cannot tell a smaller one from it.

        A forest of thirty trees calls many things impossible; without a floor the one of them that happened would decide
        a comparison of log losses alone.
        """
        return replace(self, scores=np.maximum(self.scores, 0.5 / max(len(self), 1)))

    @property
    def strangers(self) -> int:
        """How many rows carry a label that the model does not know."""
        return 0 if self.task == "regression" else int((self.truth >= len(self.classes)).sum())

    @property
    def y_score(self) -> Floats:
        """What a metric of the user's own gets: positive's probability, all probabilities (many classes), or numbers."""
        return self.scores if self.task == "multiclass" else self.scores[:, self.positive_column]

    def one_against_rest(self) -> list[tuple[npt.NDArray[np.bool_], Floats, float]]:
        """Return truth, score and weight to rank by: of the positive class, or of each class that occurs, by its share."""
        if self.task == "binary":
            return [(self.truth == self.positive_column, self.y_score, 1.0)]
        truths = [(self.truth == column, self.scores[:, column]) for column in range(len(self.classes))]
        return [(truth, score, float(truth.mean())) for truth, score in truths if truth.any()]


def _plain(values: Labels | Sequence[Any], task: Task) -> Labels:
    """Return labels in the array type that their kind has (an object array of integers is not what metrics expect)."""
    return np.array(np.asarray(values, dtype=object).tolist(), dtype=np.float64 if task == "regression" else None)
