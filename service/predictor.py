"""Prediction: from typed rows to answers. Knows nothing of HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gateline.contracts.manifest import GOLDEN_TOLERANCE
from gateline.contracts.reference import Reference
from gateline.registry.loaded import LoadedModel, apart, encode
from gateline.settings.errors import GateRefused
from service.columns import Row, shown

Encoded = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]


class Hooks(Protocol):
    """The copy's own steps around the model: `model.hooks`."""

    def before(self, rows: list[Row]) -> list[Row]:
        """Return the rows to score; raise ValueError to refuse them."""
        ...

    def after(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the answers to send, one a row."""
        ...


class Refused(ValueError):
    """The hook `before` refused the rows, with a message for the caller."""


class BrokenModel(Exception):
    """The model or a hook did not keep its contract."""


class Predictor:
    """One loaded model and its hooks."""

    def __init__(self, model: LoadedModel, hooks: Hooks) -> None:
        """Keep both; nothing is scored yet. Raises ValueError for a reference that is not one."""
        self.model = model
        self._hooks = hooks
        self.reference = Reference.model_validate(model.reference)

    def prepare(self, rows: list[Row]) -> Encoded:
        """Return what is scored, shape (n, features), after the hook `before`. Raises Refused, BrokenModel."""
        try:
            prepared = self._hooks.before(rows)
        except ValueError as error:
            raise Refused(str(error)) from error
        if len(prepared) != len(rows):
            raise BrokenModel(f"hook before: it returned {len(prepared)} rows for {len(rows)}")
        try:
            return encode(prepared, self.model.schema)
        except (TypeError, ValueError) as error:
            raise BrokenModel("hook before: it returned a row that is not one of the schema") from error

    def score(self, rows: Encoded) -> Scores:
        """Return scores of shape (n, classes) or (n, 1). Raises BrokenModel for scores that are no probabilities, or no
        numbers."""
        scores = self.model.score(rows)
        flaw = self.model.flaw(scores, len(rows))
        if flaw:
            raise BrokenModel(flaw)
        return scores

    def answer(self, scores: Scores) -> list[dict[str, Any]]:
        """Return one answer a row, after the hook `after`. Raises BrokenModel."""
        answers = self._hooks.after(self._answers(scores))
        if len(answers) != len(scores):
            raise BrokenModel(f"hook after: it returned {len(answers)} answers for {len(scores)} rows")
        return answers

    def answers(self, row: Row) -> bool:
        """Say whether a row gets a prediction, hooks included."""
        try:
            return bool(self.answer(self.score(self.prepare([row]))))
        except Exception:
            return False

    def labels(self, scores: Scores) -> list[str]:
        """Return what the model says of each row: its class, or the reference's bin that its number falls in."""
        if self.is_regression:
            return [str(self.reference.scores.index(number)) for number in scores[:, 0].tolist()]
        return [str(label) for label in self.model.decide(scores)]

    def answered(self, answers: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what each prediction that is sent counts as, the hook `after` included; of an answer without one, nothing."""
        return [self._counted(answer["prediction"]) for answer in answers if holds_prediction(answer)]

    def all_labels(self) -> list[str]:
        """Return every label that can be counted."""
        if self.is_regression:
            return [str(index) for index in range(len(self.reference.scores.edges) + 1)]
        return [str(label) for label in self.model.manifest.classes]

    def logged(self, scores: Scores) -> list[Any]:
        """Return what the prediction log keeps of each row: the positive's probability, the number, or all probabilities."""
        return list(scores.tolist()) if self.model.manifest.task == "multiclass" else self.compared(scores)

    def compared(self, scores: Scores) -> list[float]:
        """Return what drift compares of each row: the positive's probability, the decided class's, or the number."""
        if self.model.manifest.task == "multiclass":
            return list(scores.max(axis=1).tolist())
        return list(scores[:, 0 if self.is_regression else self.model.positive_column].tolist())

    @property
    def is_regression(self) -> bool:
        """Whether the model predicts a number."""
        return self.model.manifest.task == "regression"

    @property
    def width(self) -> int:
        """Scores a row."""
        return max(1, len(self.model.manifest.classes))

    def check_golden(self, rows: Sequence[Row]) -> None:
        """Score the golden rows as the artifact did. Raises GateRefused (`golden`)."""
        expected = np.asarray(self.model.golden["scores"], dtype=np.float64)
        if not len(rows):
            raise GateRefused("the artifact holds no golden rows", "train again", rule="golden")
        scores = self.score(encode(rows, self.model.schema))
        wrong = _first_apart(scores, expected)
        if wrong:
            raise GateRefused(
                f"{wrong} of {len(rows)} golden rows scores otherwise than at training "
                f"(tolerance {GOLDEN_TOLERANCE:g})",
                "use the environment of the release's lock, or train again", rule="golden",
            )

    def _counted(self, prediction: Any) -> str:
        """A number by its bin, a class by its name however it is written (1 and 1.0 are one); what a hook made up, as JSON."""
        if self.is_regression and isinstance(prediction, int | float) and math.isfinite(prediction):
            return str(self.reference.scores.index(prediction))
        if prediction in self.model.manifest.classes:
            return str(self.model.manifest.classes[self.model.manifest.classes.index(prediction)])
        return shown(prediction)

    def _answers(self, scores: Scores) -> list[dict[str, Any]]:
        decided = self.model.decide(scores)
        if self.is_regression:
            return [{"prediction": value} for value in decided]
        if self.model.manifest.task == "binary":
            positive = scores[:, self.model.positive_column].tolist()
            return [{"prediction": label, "probability": share} for label, share in zip(decided, positive)]
        named = [dict(zip(self.all_labels(), row)) for row in scores.tolist()]
        return [{"prediction": label, "probabilities": shares} for label, shares in zip(decided, named)]


NOTHING: tuple[Any, ...] = (None, "", [], {})


def holds_prediction(answer: Any) -> bool:
    """Say whether an answer is one: a hook may have put something else in its place, or nothing."""
    return isinstance(answer, Mapping) and answer.get("prediction") not in NOTHING


def _first_apart(scores: Scores, expected: Scores) -> str:
    """Return which row differs, or an empty string."""
    if scores.shape != expected.shape:
        return "shape"
    same = apart(scores, expected) <= GOLDEN_TOLERANCE
    return "" if same.all() else f"row {int(np.argmin(same))}"
