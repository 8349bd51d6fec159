"""Load candidate and champion, and let both score the same test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.digest import short
from contracts.manifest import MODEL_FILE, Objects
from contracts.schema import Schema
from registry.loaded import LoadedModel, load_files
from registry.rows import encode
from settings import Settings
from settings.errors import GatelineError, GateRefused, UsageError
from validation.contest import Contest
from validation.evidence import Champion, Evidence, Golden
from validation.matrix import features_of, target_of
from validation.model_rules.golden import differs
from validation.reading import read_table
from validation.scored import Scored
from validation.sources import url_of
from validation.subject import Subject

MEND = "correct the estimator or the features in model/, and train again"


def gather(contest: Contest, settings: Settings) -> Evidence:
    """Return the evidence that rules judge.

    Raises GateRefused (naming a rule) where the candidate cannot be loaded or cannot score, UsageError where settings,
    model and test data do not belong together. A champion that cannot be compared is a reason in the evidence.
    """
    model = load_files(contest.candidate.files)
    _refuse_other_target(model, settings)
    scorer = Scorer(contest.test)
    candidate = scorer.scored(model)
    _refuse_one_class(candidate, model, url_of(contest.test))
    champion = _champion(contest, model, scorer)
    golden = golden_of(model)
    return Evidence(candidate, golden, settings.gates.model, settings.metrics, contest.limits, champion)


class Scorer:
    """Lets models score the test rows, which are read once for each schema."""

    def __init__(self, test: str | Objects) -> None:
        """Keep where the rows are."""
        self._test = test
        self._read: dict[str, tuple[npt.NDArray[np.object_], npt.NDArray[Any]]] = {}

    def scored(self, model: LoadedModel) -> Scored:
        """Return what a model says of the rows. Raises GateRefused (rule `score`) where it cannot."""
        features, labels = self._rows(model.schema)
        try:
            scores = model.score(features)
        except Exception as error:
            cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise GateRefused(f"score: the model cannot score the test rows: {cause}", MEND) from error
        manifest, wanted = model.manifest, (len(labels), max(len(model.manifest.classes), 1))
        if scores.shape != wanted:
            raise GateRefused(f"score: the scores have shape {scores.shape}, expected is {wanted}", MEND)
        return Scored.of(manifest.task, labels, scores, model.decide(scores), manifest.classes, manifest.positive)

    def _rows(self, schema: Schema) -> tuple[npt.NDArray[np.object_], npt.NDArray[Any]]:
        key = schema.model_dump_json()
        if key not in self._read:
            frame = read_table(self._test, schema)
            self._read[key] = features_of(frame, schema), target_of(frame, schema)
        return self._read[key]


def golden_of(model: LoadedModel) -> Golden:
    """Return the golden rows of a model as recorded, and as it scores them now."""
    rows: list[list[Any]] = model.golden.get("rows", [])
    recorded = np.asarray(model.golden.get("scores", []), dtype=np.float64)
    try:
        scores = model.score(encode(rows, model.schema)) if rows else recorded
    except Exception:
        scores = np.full_like(recorded, np.nan)
    own = getattr(model.estimator, "classes_", None)
    return Golden(
        recorded=recorded,
        scores=scores,
        recorded_predictions=tuple(model.golden.get("predictions", ())),
        predictions=tuple(model.decide(scores)) if rows and scores.shape == recorded.shape else (),
        classes=model.manifest.classes,
        own_classes=None if own is None or model.manifest.task == "regression" else tuple(own.tolist()),
    )


def _champion(contest: Contest, candidate: LoadedModel, scorer: Scorer) -> Champion:
    subject = contest.champion
    if subject is None:
        return Champion(asked=contest.champion_asked)
    version, asked = subject.version or short(subject.identity), contest.champion_asked
    model_file = contest.candidate.files[MODEL_FILE]
    if subject.identity == contest.candidate.identity or subject.files.get(MODEL_FILE) == model_file:
        return Champion(version, same=True, asked=asked)
    try:
        return Champion(version, _champion_scored(subject, candidate, scorer), asked=asked)
    except GatelineError as error:
        return Champion(version, reason=f"the champion cannot be compared: {error.message}", asked=asked)


def _champion_scored(subject: Subject, candidate: LoadedModel, scorer: Scorer) -> Scored:
    if subject.refusal:
        raise GateRefused(subject.refusal)
    model = load_files(subject.files)
    if (model.manifest.target, model.manifest.task) != (candidate.manifest.target, candidate.manifest.task):
        raise GateRefused(f"it predicts '{model.manifest.target}' ({model.manifest.task})")
    changed = differs(golden_of(model))
    if changed:
        raise GateRefused(f"it no longer answers as it was trained ({changed})")
    return scorer.scored(model)


def _refuse_other_target(model: LoadedModel, settings: Settings) -> None:
    manifest, task = model.manifest, settings.project.task
    if manifest.target != settings.data.target:
        raise UsageError(
            f"model {manifest.version} predicts '{manifest.target}', but data.target is '{settings.data.target}'",
            "name the target the model was trained for, or train again: nox -s train",
        )
    if (manifest.task == "regression") != (task == "regression"):
        raise UsageError(f"model {manifest.version} is for {manifest.task}, but project.task is {task}", "train again")


def _refuse_one_class(scored: Scored, model: LoadedModel, url: str) -> None:
    if scored.task != "regression" and len(set(scored.truth.tolist())) < 2:
        raise UsageError(
            f"{url}: all {len(scored):,} rows have one value of the target '{model.manifest.target}'",
            "test on data that holds at least two classes",
        )
