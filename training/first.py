"""Choose a first model and say how good it is, and how sure that is: `invoke new` proposes limits from it. Nothing is stored.

python -m training.first        in a project's folder; prints JSON
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from gateline.contracts.verdict import Outcome
from gateline.registry.loaded import LoadedModel
from gateline.settings import Settings, load
from gateline.settings.front_door import front_door
from gateline.settings.project import Model
from training import artifact, estimators, fitting
from training.identity import Plan, plan
from training.rows import Labels, Rows, Split, labels_of, read, refuse_other_classes
from validation.metrics import Floats, Scored, compute_all, constant, measure
from validation.model.bootstrap import compare, worst
from validation.model.case import Golden, ModelCase
from validation.model.rules.candidate import baseline
from validation.model.rules.champion import compared

FEW, FEW_OF_CLASS = 1_200, 120
"""Below so many training rows, or so many of one of two classes, the better model is proposed. From here on what is named is,
unless the other is clearly better."""
CLEARLY = 1.25
"""So many times the lead over a constant answer."""
MANY = 10_000
"""From so many training rows on nothing is chosen, and equal models differ by little: `HALVES` show by how much."""
FOLDS = 5
HALVES = 2
MOST = 50_000
"""Most rows that one of the folds' models is fitted to."""
RESAMPLES = 50
"""Of each pair of models; the spread is averaged over `FOLDS` pairs."""
LINEAR = {"classification": "model.estimators:logistic", "regression": "model.estimators:ridge"}
LIMITED = {
    "binary": ("roc_auc", "average_precision", "recall_at_fpr", "log_loss"),
    "multiclass": ("f1", "log_loss"),
    "regression": ("rmse", "r2"),
}
"""Metrics of which a limit may be proposed, by task: each is measured on `bootstrap.WORST_RESAMPLES` resamples."""
NO_GOLDEN = Golden(np.empty((0, 1)), np.empty((0, 1)), (), ())


class Spread(NamedTuple):
    """How far two equal models differ on the same rows in a metric; in a minimized one, as a share of its value."""

    seen: float
    """What they were measured to differ by: one standard deviation."""
    error: float
    """The standard error of one such measurement."""


@dataclass(frozen=True)
class First:
    """What a first model reached on the test rows, and what a constant answer reaches there."""

    estimator: str
    parameters: dict[str, Any]
    tried: dict[str, float]
    """The primary metric of each estimator that was tried, by cross-validation on the training rows."""
    metrics: dict[str, float]
    constant: dict[str, float]
    worst: dict[str, float]
    """The worst value that an equal model may have on as many test rows (`validation.model.bootstrap.worst`)."""
    spreads: dict[str, Spread]
    """How far two equal models differ on these test rows; of a linear model that is chosen, boosting's where that is larger,
    since boosting may be tried next."""
    doubt: str
    """Why it is not shown to beat a constant answer; empty where it is."""
    never: tuple[str, ...]
    """Classes that occur in the test rows and that it answers for none of them."""
    features: tuple[str, ...]
    train_rows: int
    test_rows: int
    positives: int
    """How many test rows are of the positive class; 0 where there is none."""


def first_model(settings: Settings) -> First:
    """Choose between what the settings name and a linear model, fit it to the training rows and measure it on the test rows.

    Nothing is stored. Below `MANY` training rows both are cross-validated. The linear model is chosen where its primary metric
    is better, and either there are few rows (of one of two classes, too) or it is clearly better; and where the other is not
    shown to beat a constant answer on the test rows, so that the pipeline would stop at it, and this one is.
    Raises UsageError where settings, data and estimator do not go together.
    """
    planned = plan(settings)
    split = read(settings.data, planned.schema, planned.rows)
    trial = Tryout(planned, split, labels_of(split, settings))
    listed = [settings.model]
    if len(split.train) < MANY:
        listed.append(Model(estimator=LINEAR[settings.project.task], seed=settings.model.seed))
    folds = [trial.folded(model) for model in listed]
    leads = [fold.lead for fold in folds]
    kept = not trial.few and leads[0] > 0 and leads[0] * CLEARLY >= max(leads)
    best = 0 if kept else leads.index(max(leads))
    tried = {model.estimator: fold.value for model, fold in zip(listed, folds, strict=True) if fold.value is not None}

    def measured(chosen: int) -> First:
        return trial.measured(listed[chosen], [folds[place].tests for place in sorted({0, chosen})], tried)

    found = measured(best)
    if found.doubt and len(listed) > 1:
        other = measured(1 - best)
        return found if other.doubt else other
    return found


class Folds(NamedTuple):
    """What cross-validation says of a model.

    The folds' models are equal models: each saw other four fifths of the training rows (of many rows, another half).
    """

    value: float | None
    """The primary metric."""
    lead: float
    """How much better that is than a constant answer's; a metric that is not defined leads nowhere."""
    tests: list[Scored]
    """What each of the folds' models says of the test rows."""


@dataclass(frozen=True)
class Tryout:
    """The rows of a project, for models to be tried on."""

    plan: Plan
    split: Split
    meaning: Labels

    @property
    def few(self) -> bool:
        labels = self.split.train.labels.tolist()
        rarer = min(labels.count(label) for label in set(labels)) if self.meaning.task == "binary" else len(labels)
        return len(labels) < FEW or rarer < FEW_OF_CLASS

    def folded(self, model: Model) -> Folds:
        """Cross-validate a model on the training rows, and let each of the folds' models score the test rows.

        Rows are held out in blocks in the order of time where there is one, else drawn class by class. The folds are fitted
        side by side with one thread each: threads that wait for each other take longer than the work.
        """
        train, test, settings = self.split.train, self.split.test, self.plan.settings
        folds = min(FOLDS if len(train) < MANY else HALVES, len(train))
        smallest = min(np.unique(train.labels, return_counts=True)[1]) if self.meaning.classes else 0
        splitter: Any = KFold(folds) if settings.data.time else KFold(folds, shuffle=True, random_state=0)
        if not settings.data.time and smallest >= folds:
            splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
        parts = [held for _, held in splitter.split(train.labels, train.labels)]

        def fitted(part: npt.NDArray[np.intp]) -> Any:
            kept = np.setdiff1d(np.arange(len(train)), part)
            kept = kept[:: 1 + len(kept) // MOST]
            return self._fitted(model, Rows(train.features[kept], train.labels[kept]))

        with ThreadPoolExecutor(os.cpu_count(), initializer=threadpool_limits, initargs=(1, "openmp")) as pool:
            models = list(pool.map(fitted, parts))
        held = [self._scores(estimator, train.features[part]) for estimator, part in zip(models, parts, strict=True)]
        judged = self._scored(train.labels[np.concatenate(parts)], np.concatenate(held))
        tests = [self._scored(test.labels, self._scores(each, test.features)) for each in models]
        primary = self._measure(settings.metrics.primary)
        value, other = primary(judged), primary(constant(judged))
        sign = -1 if settings.metrics.direction == "minimize" else 1
        return Folds(value, -math.inf if value is None else sign * (value - (other or 0.0)), tests)

    def measured(self, model: Model, peers: list[list[Scored]], tried: dict[str, float]) -> First:
        """Fit a model to all training rows, pack it as training does, and measure it on the test rows."""
        settings = self.plan.settings.model_copy(update={"model": model})
        planned, metrics = replace(self.plan, settings=settings), settings.metrics
        fitted = self._fitted(model, self.split.train)
        refuse_other_classes(fitted, self.meaning)
        found = artifact.measure(fitted, planned, self.split, self.meaning)
        scored = self._scored(self.split.test.labels, found.scores)
        flat, classes = constant(scored), scored.classes
        limited = [name for name in metrics.names(scored.task) if name in LIMITED[scored.task]]
        bounds = {name: worst(self._measure(name), scored, flat, -1 if metrics.minimized(name) else 1) for name in limited}
        gate = settings.gates.model.model_copy(update={"min_rows": 1})
        judged = baseline(ModelCase(scored, NO_GOLDEN, gate, metrics))
        occur, answered = set(scored.truth.tolist()), set(scored.called.tolist())
        return First(
            estimator=model.estimator,
            parameters=dict(model.parameters),
            tried=tried,
            metrics=found.metrics,
            constant=compute_all(flat, metrics),
            worst={name: value for name, value in bounds.items() if value is not None},
            spreads={name: max((self._spread(e, name) for e in peers), key=sum) for name in compared(scored.task, metrics)},
            doubt="; ".join(rule.reason for rule in judged if rule.outcome is not Outcome.PASS),
            never=tuple(str(label) for at, label in enumerate(classes) if at in occur - answered),
            features=tuple(column.name for column in planned.schema.features),
            train_rows=len(self.split.train),
            test_rows=len(scored),
            positives=int((scored.truth == scored.positive_column).sum()) if scored.task == "binary" else 0,
        )

    def on_test(self, model: Model) -> Scored:
        fitted = self._fitted(model, self.split.train)
        return self._scored(self.split.test.labels, self._scores(fitted, self.split.test.features))

    def _fitted(self, model: Model, rows: Rows) -> Any:
        built = estimators.build(model, self.plan.schema, self.plan.settings.project.task)
        return fitting.fit(built, rows, model, self.plan.schema, self.meaning.classes)

    def _scores(self, estimator: Any, features: npt.NDArray[np.object_]) -> Floats:
        """Return scores with a column for each class, also those that the model's own rows did not hold."""
        classes = self.meaning.classes
        if not classes:
            return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1, 1)
        scores = np.zeros((len(features), len(classes)))
        own = estimator.predict_proba(features)
        scores[:, [classes.index(label) for label in estimator.classes_.tolist()]] = own
        return scores

    def _scored(self, truth: npt.NDArray[Any], scores: Floats) -> Scored:
        meaning = self.meaning
        return Scored.of(meaning.task, truth, scores, self._as_read.decide(scores), meaning.classes, meaning.positive)

    @cached_property
    def _as_read(self) -> LoadedModel:
        return LoadedModel(artifact.manifest_of(self.plan, self.split, self.meaning), self.plan.schema, None, {}, {})

    def _measure(self, name: str) -> Callable[[Scored], float | None]:
        return lambda scored: measure(name, scored, self.plan.settings.metrics)

    def _spread(self, equal: Sequence[Scored], name: str) -> Spread:
        """Compare equal models two by two, as the gate will; root mean squares of the pairs."""
        settings, squares = self.plan.settings.metrics, [(0.0, 0.0)]
        for at, one in enumerate(equal):
            pair = compare(name, one, equal[at - 1], settings, RESAMPLES)
            unit = abs(pair.second) if pair and settings.minimized(name) else 1.0
            if pair is not None and unit > 0:
                squares.append(((pair.observed / unit) ** 2, (pair.error / unit) ** 2))
        seen, error = (math.sqrt(sum(column) / max(len(squares) - 1, 1)) for column in zip(*squares, strict=True))
        return Spread(seen, error)


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m training.first", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(json.dumps(asdict(first_model(load()))))
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
