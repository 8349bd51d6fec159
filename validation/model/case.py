"""What the rules of the gate on a model look at: candidate and champion, loaded, with their scores of the same test rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.digest import short
from gateline.contracts.manifest import GOLDEN_TOLERANCE, MODEL_FILE, Manifest, Objects
from gateline.contracts.schema import Schema
from gateline.registry.loaded import LoadedModel, apart, encode, load_files, unsteady
from gateline.rows.reading import read_table
from gateline.rows.sources import data_digest, still, url_of
from gateline.settings import Metrics, ModelGate, Settings
from gateline.settings.errors import GatelineError, GateRefused, UsageError, explain, next_step_of
from validation.matrix import features_of, target_of
from validation.metrics import Floats, Labels, Scored, compute_all, measure
from validation.model import vouched
from validation.model.artifacts import ModelTask, Contender
from validation.model.bootstrap import Difference, compare
from validation.model.limits import Limit

REPRODUCED = ("log_loss", "mae", "rmse")
"""Metrics that a champion must reach again on the rows of its training. A ranking can change by the last bit of a score."""
SCORE_TOLERANCE = 1e-6
CORRECT = "correct the estimator or the features in model/, and train again"


@dataclass(frozen=True)
class Champion:
    """The model in production. Without `scored` it could not be compared: `reason` says why."""

    version: str = ""
    scored: Scored | None = None
    reason: str = ""
    next_step: str = ""
    accepted: bool = False
    """Whether somebody vouched for it by hand, so that the candidate may go on without a comparison."""
    same: bool = False
    """Whether it is the candidate itself."""
    asked: bool = False
    """Whether it was named on the command line, so that a comparison with it is what was asked for."""


@dataclass(frozen=True)
class Golden:
    """Golden rows as they were recorded by training, and as they are scored now."""

    recorded: Floats
    scores: Floats
    recorded_predictions: tuple[Any, ...]
    predictions: tuple[Any, ...]
    classes: tuple[Any, ...] = ()
    """Of the manifest."""
    own_classes: tuple[Any, ...] | None = None
    """Of the estimator itself, where it has them."""
    unsteady: str = ""
    """How answers depend on the rows sent with them, or on what was asked before; nothing where they do not."""

    @property
    def distance(self) -> float | None:
        """The largest difference of a score from the recorded one; None where that is no number."""
        if self.recorded.shape != self.scores.shape or not np.isfinite(self.scores).all():
            return None
        return float(apart(self.scores, self.recorded).max())

    def differs(self) -> str:
        """Return how a model differs from what training recorded of it, or nothing."""
        rows = len(self.recorded)
        if not rows:
            return ""
        numbers = tuple(range(len(self.classes)))
        numbered = self.own_classes == numbers and set(self.classes) != set(numbers)  # it was fitted to these, not to labels
        if self.own_classes is not None and self.own_classes != self.classes and not numbered:
            return "the estimator orders its classes otherwise than the manifest"
        if self.recorded.shape != self.scores.shape:
            return f"golden scores have shape {self.scores.shape}, recorded is {self.recorded.shape}"
        off = int((apart(self.scores, self.recorded) > GOLDEN_TOLERANCE).sum())
        if off:
            by = "no number" if self.distance is None else f"by up to {self.distance:.3g}"
            return f"{off} of {rows} golden rows score otherwise than recorded, {by}"
        pairs = zip(self.recorded_predictions, self.predictions) if self.classes else ()
        others = sum(recorded != now for recorded, now in pairs)
        return f"{others} of {rows} golden rows are decided otherwise than recorded" if others else ""


@dataclass(frozen=True)
class Inputs:
    """The test rows that the candidate scored, shape (n, features), with their names, and how it scores others like them."""

    rows: npt.NDArray[np.object_]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    """The names of the columns of numbers."""
    scored: Callable[[npt.NDArray[np.object_]], Scored]

    @cached_property
    def matrix(self) -> Floats:
        """The columns of numbers, shape (n, numbers), NaN for missing."""
        return self.rows[:, [self.names.index(name) for name in self.numbers]].astype(np.float64)


@dataclass(frozen=True)
class ModelCase:
    """Everything that one run of the gate looks at."""

    candidate: Scored
    golden: Golden
    gate: ModelGate
    settings: Metrics
    limits: tuple[Limit, ...] = ()
    champion: Champion = field(default_factory=Champion)
    inputs: Inputs | None = None
    """None where what was scored is all that is known."""

    @cached_property
    def metrics(self) -> dict[str, float]:
        return compute_all(self.candidate, self.settings)

    @cached_property
    def champion_metrics(self) -> dict[str, float]:
        return compute_all(self.champion.scored, self.settings) if self.champion.scored else {}

    @property
    def too_few(self) -> str:
        rows, needed = len(self.candidate), self.gate.min_rows
        return f"{rows:,} test rows, at least {needed:,} are needed" if rows < needed else ""

    def against(self, other: Scored, name: str = "") -> Difference | None:
        """Compare the candidate with another model by a metric: the primary, where none is named."""
        return compare(name or self.settings.primary, self.candidate, other, self.settings)


def gather(task: ModelTask, settings: Settings) -> ModelCase:
    """Load candidate and champion, let both score the test rows, and return what rules judge.

    Raises GateRefused (naming a rule) where the candidate cannot be loaded or cannot score, UsageError where settings,
    model and test data do not belong together. A champion that cannot be compared is a reason in the case.
    """
    model = load_files(task.candidate.files, settings.model.trusted)
    manifest, rows = model.manifest, TestRows(task.test)
    if manifest.target != settings.data.target:
        raise UsageError(
            f"model {manifest.version} predicts '{manifest.target}', but data.target is '{settings.data.target}'",
            "name the target the model was trained for, or train again: nox -s train",
        )
    if (manifest.task == "regression") != (settings.project.task == "regression"):
        told = f"model {manifest.version} is for {manifest.task}, but project.task is {settings.project.task}"
        raise UsageError(told, "train again")
    features, labels = rows.of(model.schema)
    candidate = _scored(model, manifest.positive, features, labels)
    if candidate.task != "regression" and len(set(candidate.truth.tolist())) < 2:
        raise UsageError(
            f"{url_of(task.test)}: all {len(candidate):,} rows have one value of the target '{manifest.target}'",
            "test on data that holds at least two classes",
        )
    champion = _champion(task, model, rows, settings)
    columns = model.schema.features
    inputs = Inputs(
        rows=features,
        names=tuple(column.name for column in columns),
        numbers=tuple(column.name for column in columns if column.dtype != "string"),
        scored=lambda others: _scored(model, manifest.positive, others, labels),
    )
    return ModelCase(candidate, _golden(model), settings.gates.model, settings.metrics, task.limits, champion, inputs)


class TestRows:
    """The test rows as models take them, read once for each schema."""

    __test__ = False

    def __init__(self, test: str | Objects) -> None:
        self._test = test
        self.digest = data_digest(test)
        self._read: dict[str, tuple[npt.NDArray[np.object_], Labels]] = {}

    def of(self, schema: Schema) -> tuple[npt.NDArray[np.object_], Labels]:
        """Return features of shape (n, features) and labels of shape (n,)."""
        key = schema.model_dump_json()
        if key not in self._read:
            columns = read_table(self._test, schema)
            still(self._test, self.digest)
            self._read[key] = features_of(columns, schema), target_of(columns, schema, url_of(self._test))
        return self._read[key]


def _scored(model: LoadedModel, positive: Any, features: npt.NDArray[np.object_], labels: Labels) -> Scored:
    """Return what a model says of rows, to be measured on the class `positive`; what it decides is its own."""
    try:
        scores = model.score(features)
    except Exception as error:
        told = f"the model cannot score the test rows: {explain(error)}"
        raise GateRefused(told, next_step_of(error, CORRECT), rule="score") from error
    flaw = model.flaw(scores, len(labels))
    if flaw:
        raise GateRefused(f"of the test rows, {flaw}", CORRECT, rule="score")
    manifest = model.manifest
    return Scored.of(manifest.task, labels, scores, model.decide(scores), manifest.classes, positive)


def _golden(model: LoadedModel) -> Golden:
    """Return the golden rows of a model as recorded, and as it scores them now: at once, alone, in reverse order, again."""
    rows: list[list[Any]] = model.golden.get("rows", [])
    recorded = np.asarray(model.golden.get("scores", []), dtype=np.float64)
    try:
        encoded = encode(rows, model.schema)
        scores = model.score(encoded) if rows else recorded
        fits = bool(rows) and scores.shape == recorded.shape
        moved = unsteady(model, encoded, scores) if fits else ""
    except Exception as error:
        told = f"the model cannot score its golden rows: {explain(error)}"
        raise GateRefused(told, next_step_of(error, CORRECT), rule="golden") from error
    own = getattr(model.estimator, "classes_", None)
    return Golden(
        recorded=recorded,
        scores=scores,
        recorded_predictions=tuple(model.golden.get("predictions", ())),
        predictions=tuple(model.decide(scores)) if fits else (),
        classes=model.manifest.classes,
        own_classes=None if own is None or model.manifest.task == "regression" else tuple(own.tolist()),
        unsteady=moved,
    )


def _champion(task: ModelTask, candidate: LoadedModel, rows: TestRows, settings: Settings) -> Champion:
    subject, asked = task.champion, task.champion_asked
    if subject is None:
        return Champion(asked=asked)
    version = subject.version or short(subject.identity)
    if subject.identity == task.candidate.identity or _same(subject, task.candidate):
        return Champion(version, same=True, asked=asked)
    accepted = task.accepted == subject.content
    try:
        if subject.refusal:
            raise subject.refusal
        if not accepted and settings.signing.keys and not asked:
            # Where releases are signed, so is the champion that a candidate must beat; one asked about lets nothing in.
            vouched.require_signed(subject.files, settings)
        elif not accepted:
            vouched.require(subject.files)
        model = load_files(subject.files, settings.model.trusted)
        if (model.manifest.target, model.manifest.task) != (candidate.manifest.target, candidate.manifest.task):
            raise GateRefused(f"it predicts '{model.manifest.target}' ({model.manifest.task})")
        changed = _golden(model).differs()
        if changed:
            raise GateRefused(f"it no longer answers as it was trained ({changed})")
        scored = _scored(model, candidate.manifest.positive, *rows.of(named_now(model.schema, candidate.schema)))
    except GatelineError as error:
        step = f"once you know it: nox -s validate_model -- --accept-champion={subject.content}"
        step = f"{step}; for CI: [gates.model] accept_champion in pipeline.toml"
        step = f"{error.next_step}; or {step}" if error.next_step else step
        told = f"the champion cannot be compared: {error.message}"
        return Champion(version, reason=told, next_step=step, asked=asked, accepted=accepted)
    _refuse_other_score(subject, scored, candidate.manifest, rows.digest)
    return Champion(version, scored, asked=asked, accepted=accepted)


def _same(champion: Contender, candidate: Contender) -> bool:
    """Say whether two artifacts hold one model that decides alike: with another threshold, equal scores are other answers."""
    one, other = champion.manifest, candidate.manifest
    if champion.files.get(MODEL_FILE) != candidate.files[MODEL_FILE] or one is None or other is None:
        return False
    return (one.threshold, one.positive, one.classes) == (other.threshold, other.positive, other.classes)


def named_now(schema: Schema, candidate: Schema) -> Schema:
    """Return a champion's schema with the names that the candidate's gives to its columns since (`was`)."""
    names = {column.was: column.name for column in candidate.features if column.was}
    columns = [column.model_copy(update={"name": names.get(column.name, column.name)}) for column in schema.columns]
    if len({column.name for column in columns}) < len(columns):
        return schema  # a dropped column's name was given to another
    return schema.model_copy(update={"columns": tuple(columns)})


def _refuse_other_score(champion: Contender, scored: Scored, candidate: Manifest, test: str) -> None:
    """Refuse to compare with a champion that, measured as its training measured it, does not score as was recorded.

    Only where rows, `model/` and our own sources are those of its training: another reader, or other code of `model/`, may
    well make another score of it. What is compared depends on no setting: neither threshold nor positive class.
    """
    recorded = champion.manifest
    same = recorded and all(recorded.inputs.get(name) == candidate.inputs.get(name) for name in ("model", "sources"))
    if recorded is None or not same or recorded.inputs.get("test") != test:
        return
    for name in REPRODUCED:
        before = recorded.metrics.get(name)
        now = measure(name, scored, Metrics()) if before is not None else None
        if before is None or now is None or math.isclose(before, now, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE):
            continue
        raise GateRefused(
            f"champion {recorded.version} has {name} {now:.6g} on the test rows of its training, recorded "
            f"was {before:.6g}: a comparison with it would say nothing",
            "see whether it draws at random, or keeps what it was asked before; to judge the candidate without it: "
            "python -m validation.model --champion none", rule="champion_score",
        )
