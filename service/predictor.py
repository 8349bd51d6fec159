"""Prediction: from typed rows to answers. Knows nothing of HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, Protocol

from gateline.contracts.encoding import Encoded, Encoder
from gateline.contracts.manifest import GOLDEN_TOLERANCE, Manifest, gap
from gateline.contracts.reference import Reference
from gateline.contracts.schema import Schema
from gateline.contracts.scores import Flawed
from gateline.settings.errors import GateRefused
from service.columns import Row, shown

Scores = list[list[float]]
"""Of each row the probabilities in the order of the classes, or the predicted number alone."""
NOTHING: tuple[Any, ...] = (None, "", [], {})


class Model(Protocol):
    """What scores rows: the Python that was generated at build, or scikit-learn."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def golden(self) -> dict[str, Any]: ...
    @property
    def reference(self) -> dict[str, Any]: ...

    def scores(self, rows: Sequence[Encoded]) -> Scores:
        """Return the scores of encoded rows. Raises Flawed, and what the model raises."""
        ...


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

    def __init__(self, model: Model, hooks: Hooks) -> None:
        """Raises ValueError for a reference that is not one; nothing is scored yet."""
        self.model, self._hooks = model, hooks
        self.reference = Reference.model_validate(model.reference)
        self._encoder = Encoder(model.schema)
        self._classes, self._task = model.manifest.classes, model.manifest.task
        self.is_regression = self._task == "regression"
        """Whether the model predicts a number."""
        self._column = 0 if self.is_regression else model.manifest.positive_column
        self._place = model.manifest.places()
        self._names = [str(label) for label in self._classes]
        self._keys = [json.dumps(name) for name in self._names]
        self._written = [json.dumps(label) for label in self._classes]
        self._before = None if passes_on(hooks.before) else hooks.before
        self._is_plain = passes_on(hooks.after) and not any(label in NOTHING for label in self._classes)
        self._is_plain = self._is_plain and len(set(self._names)) == len(self._names)

    def prepare(self, rows: list[Row]) -> list[Encoded]:
        """Return what is scored, after the hook `before`: new lists. Raises Refused, BrokenModel."""
        prepared = rows
        if self._before:
            try:
                prepared = self._before(rows)
            except ValueError as error:
                raise Refused(str(error)) from error
            if len(prepared) != len(rows):
                raise BrokenModel(f"hook before: it returned {len(prepared)} rows for {len(rows)}")
        try:
            return self._encoder.rows(prepared)
        except (TypeError, ValueError) as error:
            raise BrokenModel("hook before: it returned a row that is not one of the schema") from error

    def score(self, rows: Sequence[Encoded]) -> Scores:
        """Return the scores of each row. Raises BrokenModel where they are no probabilities, or no numbers."""
        try:
            return self.model.scores(rows)
        except Flawed as flaw:
            raise BrokenModel(str(flaw)) from None

    def answer(self, scores: Scores) -> list[dict[str, Any]]:
        """Return one answer a row, after the hook `after`. Raises BrokenModel."""
        answers = self._hooks.after(self._answers(scores))
        if len(answers) != len(scores):
            raise BrokenModel(f"hook after: it returned {len(answers)} answers for {len(scores)} rows")
        return answers

    def plain(self, scores: list[float]) -> tuple[str, list[str]] | None:
        """Return the answer to one row as JSON without its closing brace, and what it counts as; None where a hook has a say.

        The text is what `json.dumps` makes of `answer`, and the label is what `answered` says of it.
        """
        if not self._is_plain:
            return None
        if self.is_regression:
            return f'{{"prediction": {scores[0]!r}', [self._counted(scores[0])]
        place = self._place(scores)
        if self._task == "binary":
            told = f'{{"prediction": {self._written[place]}, "probability": {scores[self._column]!r}'
        else:
            shares = ", ".join(f"{name}: {share!r}" for name, share in zip(self._keys, scores))
            told = f'{{"prediction": {self._written[place]}, "probabilities": {{{shares}}}'
        return told, [self._names[place]]

    def answers(self, row: Row) -> bool:
        """Say whether a row gets a prediction, hooks included."""
        try:
            return bool(self.answer(self.score(self.prepare([row]))))
        except Exception:
            return False

    def labels(self, scores: Scores) -> list[str]:
        """Return what the model says of each row: its class, or the reference's bin that its number falls in."""
        if self.is_regression:
            return [str(self.reference.scores.index(number)) for number, in scores]
        return [self._names[self._place(row)] for row in scores]

    def answered(self, answers: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what each prediction that is sent counts as, the hook `after` included; of an answer without one, nothing."""
        # a hook may have put something else in an answer's place, or nothing
        predictions = (answer.get("prediction") for answer in answers if isinstance(answer, Mapping))
        return [self._counted(prediction) for prediction in predictions if prediction not in NOTHING]

    def all_labels(self) -> list[str]:
        """Return every label that can be counted."""
        if self.is_regression:
            return [str(index) for index in range(len(self.reference.scores.edges) + 1)]
        return list(self._names)

    def logged(self, scores: Scores) -> list[Any]:
        """Return what the prediction log keeps of each row: the positive's probability, the number, or all probabilities."""
        return list(scores) if self._task == "multiclass" else self.compared(scores)

    def compared(self, scores: Scores) -> list[float]:
        """Return what drift compares of each row: the positive's probability, the decided class's, or the number."""
        if self._task == "multiclass":
            return [max(row) for row in scores]
        return [row[self._column] for row in scores]

    def meant(self, scores: Scores) -> tuple[list[float], list[str]]:
        """Return what drift compares of each row, and what the model says of it."""
        return self.compared(scores), self.labels(scores)

    @property
    def width(self) -> int:
        """Scores a row."""
        return max(1, len(self._classes))

    def check_golden(self, rows: Sequence[Row]) -> None:
        """Score the golden rows as the artifact did. Raises GateRefused (`golden`)."""
        expected = self.model.golden["scores"]
        if not len(rows):
            raise GateRefused("the artifact holds no golden rows", "train again", rule="golden")
        scores = self.score(self._encoder.rows(rows))
        wrong = "shape"
        if [len(row) for row in scores] == [len(row) for row in expected]:
            same = [all(gap(*pair) <= GOLDEN_TOLERANCE for pair in zip(*both)) for both in zip(scores, expected)]
            wrong = "" if all(same) else f"row {same.index(False)}"
        if wrong:
            raise GateRefused(
                f"{wrong} of {len(rows)} golden rows scores otherwise than at training (tolerance {GOLDEN_TOLERANCE:g})",
                "use the environment of the release's lock, or train again", rule="golden",
            )

    def _counted(self, prediction: Any) -> str:
        """A number by its bin, a class by its name however it is written (1 and 1.0 are one); what a hook made up, as JSON."""
        if self.is_regression and isinstance(prediction, int | float) and math.isfinite(prediction):
            return str(self.reference.scores.index(prediction))
        if prediction in self._classes:
            return self._names[self._classes.index(prediction)]
        return shown(prediction)

    def _answers(self, scores: Scores) -> list[dict[str, Any]]:
        if self.is_regression:
            return [{"prediction": number} for number, in scores]
        decided = [(self._classes[self._place(row)], row) for row in scores]
        if self._task == "binary":
            return [{"prediction": label, "probability": row[self._column]} for label, row in decided]
        return [{"prediction": label, "probabilities": dict(zip(self._names, row))} for label, row in decided]


def passes_on(hook: Callable[..., Any]) -> bool:
    """Say whether a hook does nothing but return its one argument, by its bytecode: then it need not be asked."""
    if not isinstance(hook, FunctionType):
        return False
    code, nothing = hook.__code__, _nothing.__code__
    parameters = (code.co_argcount, code.co_kwonlyargcount)
    return code.co_code == nothing.co_code and parameters == (nothing.co_argcount, nothing.co_kwonlyargcount)


def _nothing(given: Any) -> Any:
    return given
