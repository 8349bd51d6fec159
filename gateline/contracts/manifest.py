"""What an artifact is made of, and what its scores mean: which class is positive, what a score decides, how close is equal."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateline.settings.project import EVEN

MODEL_FILE = "model.skops"
SCHEMA_FILE = "schema.json"
METRICS_FILE = "metrics.json"
REFERENCE_FILE = "reference.json"
GOLDEN_FILE = "golden.json"
MANIFEST_FILE = "manifest.json"
GOLDEN_TOLERANCE = 1e-9
"""Largest difference between two scores of one golden row; of scores above 1, in units of the recorded score."""
GOLDEN_CROWD = 1_000
"""Rows among which golden rows are asked for as well: a model may hold back with few, one that scales a batch by its own
spread does so from some number of rows on."""
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"
"""A plain name: no folder, no way out of one, nothing that markup or a terminal would take for anything else."""
Moment = Annotated[str, Field(pattern=r"^[0-9TZ:.+-]*$")]
"""A time in ISO 8601, or nothing."""
Label = str | int | float | bool
TRUTH = {"true": 1.0, "false": 0.0}


class Objects(BaseModel):
    """The objects of a data set in a store that can overwrite them, as they were when they were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """What the settings named: one object, a folder or a glob."""
    versions: dict[str, str]
    """Version id of each object by its name below `url` ('' for `url` itself); '' where the bucket keeps no versions."""


class Manifest(BaseModel):
    """An artifact's identity and files. `identity` is the digest of `inputs` alone; the rest is recorded with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), ser_json_inf_nan="strings")

    identity: Annotated[str, Field(pattern=NAME)]
    version: Annotated[str, Field(pattern=NAME)]
    inputs: dict[str, str]
    """Digests by name: train, test, schema, settings, sources, lock."""
    objects: dict[str, Objects] = Field(default_factory=dict)
    """By `train` and `test`: where these rows lay, if that was an object store."""
    files: dict[Annotated[str, Field(pattern=NAME)], str]
    """SHA-256 of every other file of the artifact, by name."""
    task: Literal["binary", "multiclass", "regression"]
    target: str
    features: tuple[str, ...]
    """Feature columns in schema order: the order of a row in a request."""
    classes: tuple[Label, ...] = ()
    """Class labels in the order of the probabilities; empty for regression."""
    positive: Label | None = None
    threshold: float = EVEN
    trusted_types: tuple[str, ...] = ()
    """The types outside the loader's own trusted set that the model file may name."""
    libraries: dict[str, str] = Field(default_factory=dict)
    """Versions that training ran with, by distribution name."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The resolved training settings."""
    created: Moment = ""
    commit: Annotated[str, Field(pattern=f"^$|{NAME}")] = ""
    dirty: bool = False
    train_rows: int = 0
    test_rows: int = 0
    train_period: tuple[str, str] | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> Self:
        if self.task == "binary" and self.classes and self.positive is not None and self.positive not in self.classes:
            raise ValueError(f"positive class {self.positive!r} is none of {', '.join(map(repr, self.classes))}")
        return self

    @property
    def positive_column(self) -> int:
        """The place of the positive class among a binary model's scores."""
        return positive_column(self.classes, self.positive)

    def decide(self, scores: Sequence[float]) -> Any:
        """Return the answer that the scores of one row make: a class, or the number itself (shape (classes,) or (1,))."""
        if self.task == "regression":
            return scores[0]
        if self.task == "binary":
            return self.decide_by(scores[self.positive_column])
        return self.classes[_largest(scores)]

    def decide_by(self, score: float) -> Label:
        """Return the class that a binary model answers where its positive class has this probability."""
        return self.classes[_decided(score, self.threshold, self.positive_column)]

    def places(self) -> Callable[[Sequence[float]], int]:
        """Return what `decide` goes by, for classes: the place of the class that the scores of one row make.

        To be kept where one row after another is decided.
        """
        if self.task == "binary":
            threshold, column = self.threshold, self.positive_column
            return lambda scores: _decided(scores[column], threshold, column)
        return _largest


def _decided(score: float, threshold: float, column: int) -> int:
    """Return the place of the class of two that a score of the one at `column` decides."""
    return column if score >= threshold else 1 - column


def _largest(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def positive_column(classes: Sequence[Any], positive: Any) -> int:
    """Return the place of the positive class: of the one that is named, or of the last where it is none of them."""
    return classes.index(positive) if positive in classes else max(len(classes) - 1, 0)


def gap(score: float, recorded: float) -> float:
    """Return how far a score is from the recorded one, which `GOLDEN_TOLERANCE` limits; infinite where one is no number."""
    apart = abs(score - recorded) / max(1.0, abs(recorded))
    return apart if math.isfinite(apart) else math.inf


def class_of(text: str, classes: Sequence[Label]) -> Label | None:
    """Return the class that a text means, or None: by value, not by spelling (`1`, `1.0` and `true` are one class).

    Its spelling decides before its value, and its value before its letters' case: classes may differ in these alone.
    """
    text = text.strip()
    exact = [label for label in classes if str(label) == text]
    value = _value(text)
    equal = [label for label in classes if value is not None and _value(str(label)) == value]
    alike = [label for label in classes if str(label).casefold() == text.casefold()]
    return next((found[0] for found in (exact, equal, alike) if len(found) == 1), None)


def _value(text: str) -> float | None:
    """Return the number that a label stands for: a truth value is 1 or 0, as it is where it is counted."""
    if text.lower() in TRUTH:
        return TRUTH[text.lower()]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
