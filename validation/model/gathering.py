"""Load candidate and champion, and let both score the same test rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.digest import short
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE, Manifest, Objects
from gateline.contracts.schema import Schema
from gateline.registry.loaded import LoadedModel, encode, load_files, unsteady
from gateline.rows.digests import data_digest
from gateline.rows.reading import read_table
from gateline.rows.sources import url_of
from gateline.settings import Metrics, Settings
from gateline.settings.errors import GatelineError, GateRefused, UsageError, explain, next_step_of
from validation.matrix import features_of, target_of
from validation.metrics import measure
from validation.model import vouched
from validation.model.evidence import Champion, Evidence, Golden, Source
from validation.model.rules.golden import differs
from validation.model.subject import Contest, Subject
from validation.scored import Scored

REPRODUCED = ("log_loss", "mae", "rmse")
"""Metrics that a champion must reach again on the rows of its training. A ranking can change by the last bit of a score."""
SCORE_TOLERANCE = 1e-6
MEND = "correct the estimator or the features in model/, and train again"


def gather(contest: Contest, settings: Settings) -> Evidence:
    """Return the evidence that rules judge.

    Raises GateRefused (naming a rule) where the candidate cannot be loaded or cannot score, UsageError where settings,
    model and test data do not belong together. A champion that cannot be compared is a reason in the evidence.
    """
    model = load_files(contest.candidate.files, settings.model.trusted)
    _refuse_other_target(model, settings)
    scorer = Scorer(contest.test)
    candidate = scorer.scored(model, model.manifest.positive)
    _refuse_one_class(candidate, model, url_of(contest.test))
    champion = _champion(contest, model, scorer, settings)
    if champion.scored is not None and contest.champion is not None:
        _refuse_other_score(contest.champion, champion.scored, model.manifest, scorer.digest)
    golden = golden_of(model)
    source = scorer.source(model, model.manifest.positive)
    return Evidence(candidate, golden, settings.gates.model, settings.metrics, contest.limits, champion, source)


class Scorer:
    """Lets models score the test rows, which are read once for each schema."""

    def __init__(self, test: str | Objects) -> None:
        """Keep where the rows are. `digest` is of them as they are now."""
        self._test = test
        self.digest = data_digest(test)
        self._read: dict[str, tuple[npt.NDArray[np.object_], npt.NDArray[Any]]] = {}

    def scored(self, model: LoadedModel, positive: Any, schema: Schema | None = None) -> Scored:
        """Return what a model says of the rows, to be measured on the class `positive`; what it decides is its own.

        `schema` reads them, if not the model's own: its columns in the same order, under the names that they have now.
        Raises GateRefused (rule `score`) where it cannot score them, or gives no probabilities.
        """
        features, labels = self._rows(schema or model.schema)
        return self._scored(model, positive, features, labels)

    def source(self, model: LoadedModel, positive: Any) -> Source:
        """Return the rows as a model gets them, and how it scores others in their place."""
        features, labels = self._rows(model.schema)
        columns = model.schema.features
        return Source(
            rows=features,
            names=tuple(column.name for column in columns),
            numbers=tuple(column.name for column in columns if column.dtype != "string"),
            scored=lambda rows: self._scored(model, positive, rows, labels),
        )

    def _scored(
        self, model: LoadedModel, positive: Any, features: npt.NDArray[np.object_], labels: npt.NDArray[Any]
    ) -> Scored:
        try:
            scores = model.score(features)
        except Exception as error:
            told = f"the model cannot score the test rows: {explain(error)}"
            raise GateRefused(told, next_step_of(error, MEND), rule="score") from error
        flaw = model.flaw(scores, len(labels))
        if flaw:
            raise GateRefused(f"of the test rows, {flaw}", MEND, rule="score")
        manifest = model.manifest
        return Scored.of(manifest.task, labels, scores, model.decide(scores), manifest.classes, positive)

    def _rows(self, schema: Schema) -> tuple[npt.NDArray[np.object_], npt.NDArray[Any]]:
        key = schema.model_dump_json()
        if key not in self._read:
            frame = read_table(self._test, schema)
            self._read[key] = features_of(frame, schema), target_of(frame, schema, url_of(self._test))
        return self._read[key]


def golden_of(model: LoadedModel) -> Golden:
    """Return the golden rows of a model as recorded, and as it scores them now: at once, alone, in reverse order, again.

    Raises GateRefused (rule `golden`) where it cannot score them.
    """
    rows: list[list[Any]] = model.golden.get("rows", [])
    recorded = np.asarray(model.golden.get("scores", []), dtype=np.float64)
    try:
        encoded = encode(rows, model.schema)
        scores = model.score(encoded) if rows else recorded
        moved = unsteady(model, encoded, scores) if rows and scores.shape == recorded.shape else ""
    except Exception as error:
        told = f"the model cannot score its golden rows: {explain(error)}"
        raise GateRefused(told, next_step_of(error, MEND), rule="golden") from error
    own = getattr(model.estimator, "classes_", None)
    return Golden(
        recorded=recorded,
        scores=scores,
        recorded_predictions=tuple(model.golden.get("predictions", ())),
        predictions=tuple(model.decide(scores)) if rows and scores.shape == recorded.shape else (),
        classes=model.manifest.classes,
        own_classes=None if own is None or model.manifest.task == "regression" else tuple(own.tolist()),
        unsteady=moved,
    )


def _champion(contest: Contest, candidate: LoadedModel, scorer: Scorer, settings: Settings) -> Champion:
    subject = contest.champion
    if subject is None:
        return Champion(asked=contest.champion_asked)
    version, asked = subject.version or short(subject.identity), contest.champion_asked
    if subject.identity == contest.candidate.identity or _same(subject, contest.candidate):
        return Champion(version, same=True, asked=asked)
    accepted = contest.accepted == subject.content
    try:
        if not accepted and not subject.refusal:
            _require_vouched(subject, settings, asked)
        scored = _champion_scored(subject, candidate, scorer, settings.model.trusted)
        return Champion(version, scored, asked=asked, accepted=accepted)
    except GatelineError as error:
        step = f"{error.next_step}; or {accept(subject)}" if error.next_step else accept(subject)
        told = f"the champion cannot be compared: {error.message}"
        return Champion(version, reason=told, next_step=step, asked=asked, accepted=accepted)


def accept(champion: Subject) -> str:
    """Return how to go on with a champion that nothing vouches for, or that cannot be compared."""
    told = f"once you know it: nox -s validate_model -- --accept-champion={champion.content}"
    return f"{told}; for CI: [gates.model] accept_champion in pipeline.toml"


def _same(champion: Subject, candidate: Subject) -> bool:
    """Say whether two artifacts hold one model that decides alike: with another threshold, equal scores are other answers."""
    if champion.files.get(MODEL_FILE) != candidate.files[MODEL_FILE] or MANIFEST_FILE not in champion.files:
        return False
    one, other = (Manifest.model_validate_json(each.files[MANIFEST_FILE]) for each in (champion, candidate))
    return (one.threshold, one.positive, one.classes) == (other.threshold, other.positive, other.classes)


def _require_vouched(subject: Subject, settings: Settings, asked: bool) -> None:
    """Where releases are signed, so is the champion that a candidate must beat; another, asked about, lets nothing in."""
    if settings.signing.keys and not asked:
        vouched.require_signed(subject.files, settings)
    else:
        vouched.require(subject.files)


def _champion_scored(subject: Subject, candidate: LoadedModel, scorer: Scorer, by_hand: tuple[str, ...]) -> Scored:
    if subject.refusal:
        raise subject.refusal
    model = load_files(subject.files, by_hand)
    if (model.manifest.target, model.manifest.task) != (candidate.manifest.target, candidate.manifest.task):
        raise GateRefused(f"it predicts '{model.manifest.target}' ({model.manifest.task})")
    changed = differs(golden_of(model))
    if changed:
        raise GateRefused(f"it no longer answers as it was trained ({changed})")
    return scorer.scored(model, candidate.manifest.positive, named_now(model.schema, candidate.schema))


def named_now(schema: Schema, candidate: Schema) -> Schema:
    """Return a champion's schema with the names that the candidate's gives to its columns since (`was`)."""
    names = {column.was: column.name for column in candidate.features if column.was}
    columns = [column.model_copy(update={"name": names.get(column.name, column.name)}) for column in schema.columns]
    if len({column.name for column in columns}) < len(columns):
        return schema  # a dropped column's name was given to another
    return schema.model_copy(update={"columns": tuple(columns)})


def _refuse_other_score(champion: Subject, scored: Scored, candidate: Manifest, test: str) -> None:
    """Refuse to compare with a champion that, measured as its training measured it, does not score as was recorded.

    Only where rows, `model/` and our own sources are those of its training: another reader, or other code of `model/`, may
    well make another score of it. What is compared depends on no setting: neither threshold nor positive class.
    Raises GateRefused (rule `champion_score`).
    """
    recorded = Manifest.model_validate_json(champion.files[MANIFEST_FILE])
    same = all(recorded.inputs.get(name) == candidate.inputs.get(name) for name in ("model", "sources"))
    if not same or recorded.inputs.get("test") != test:
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
