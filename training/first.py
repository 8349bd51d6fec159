"""Choose a first model and say how good it is, and how sure that is: `invoke new` proposes limits from it. Nothing is stored.

python -m training.first        in a project's folder; prints JSON
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from gateline.settings import Settings, load
from gateline.settings.front_door import front_door
from gateline.settings.project import MINIMIZED, Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gateline.registry.loaded import LoadedModel
    from training.identity import Plan
    from training.labels import Labels
    from training.rows import Rows, Split
    from validation.model.paired import Difference
    from validation.scored import Scored

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
"""Metrics of which a limit may be proposed, by task: each is measured on `validation.model.interval.RESAMPLES` resamples."""


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
    """The worst value that an equal model may have on as many test rows (`validation.model.interval`)."""
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
    from training import labels, rows
    from training.identity import plan

    planned = plan(settings)
    split = rows.read(settings.data, planned.schema, planned.rows)
    trial = Trial(planned, split, labels.labels_of(split, settings))
    listed = [settings.model] + ([linear(settings)] if len(split.train) < MANY else [])
    folds = [trial.folded(model) for model in listed]
    sign = -1 if settings.metrics.direction == "minimize" else 1
    leads = [fold.lead(sign) for fold in folds]
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


def linear(settings: Settings) -> Model:
    """Return the linear model that is tried where rows are few."""
    return Model(estimator=LINEAR[settings.project.task], seed=settings.model.seed)


@dataclass(frozen=True)
class Folds:
    """What cross-validation says of a model: its primary metric, a constant answer's, and its scores of the test rows.

    The folds' models are equal models: each saw other four fifths of the training rows (of many rows, another half).
    """

    value: float | None
    constant: float | None
    tests: list[Scored]

    def lead(self, sign: int) -> float:
        """Return by how much it is better than a constant answer; a metric that is not defined leads nowhere."""
        return -math.inf if self.value is None else sign * (self.value - (self.constant or 0.0))


@dataclass(frozen=True)
class Trial:
    """The rows of a project, for models to be tried on."""

    plan: Plan
    split: Split
    meaning: Labels

    @property
    def few(self) -> bool:
        """Whether the training rows are few, or those of one of two classes are."""
        labels = self.split.train.labels.tolist()
        rarer = min(labels.count(label) for label in set(labels)) if self.meaning.task == "binary" else len(labels)
        return len(labels) < FEW or rarer < FEW_OF_CLASS

    def folded(self, model: Model) -> Folds:
        """Cross-validate a model on the training rows, and let each of the folds' models score the test rows."""
        import numpy as np

        from validation.model.rules.baseline import constant

        train, parts = self.split.train, self._parts()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            fitted = list(pool.map(lambda part: self._fitted(model, _without(train, part)), parts))
        held = [self._scores(estimator, train.features[part]) for estimator, part in zip(fitted, parts, strict=True)]
        order = np.concatenate(parts)
        judged = self._scored(train.labels[order], np.concatenate(held))
        tests = [self._scored(self.split.test.labels, self._scores(each, self.split.test.features)) for each in fitted]
        measure = self._measure(self.plan.settings.metrics.primary)
        return Folds(measure(judged), measure(constant(judged)), tests)

    def measured(self, model: Model, peers: list[list[Scored]], tried: dict[str, float]) -> First:
        """Fit a model to all training rows, pack it as training does, and measure it on the test rows."""
        from training import artifact, fitting, labels
        from validation.metrics import compute_all
        from validation.model.rules.baseline import constant

        settings = self.plan.settings.model_copy(update={"model": model})
        plan = replace(self.plan, settings=settings)
        fitted = fitting.fit(self._built(model), self.split.train, model, plan.schema, self.meaning.classes)
        labels.refuse_other_classes(fitted, self.meaning)
        found = artifact.measure(fitted, plan, self.split, self.meaning)
        scored = self._scored(self.split.test.labels, found.scores)
        positive = scored.truth == scored.positive_column if self.meaning.task == "binary" else scored.truth[:0]
        return First(
            estimator=model.estimator,
            parameters=dict(model.parameters),
            tried=tried,
            metrics=found.metrics,
            constant=compute_all(constant(scored), settings.metrics),
            worst=self._worst(scored, constant(scored)),
            spreads={name: max((self._spread(each, name) for each in peers), key=sum) for name in self._compared()},
            doubt=self._doubt(scored),
            never=_never(scored),
            features=tuple(column.name for column in plan.schema.features),
            train_rows=len(self.split.train),
            test_rows=len(scored),
            positives=int(positive.sum()),
        )

    def on_test(self, model: Model) -> Scored:
        """Return what a model that was fitted to all training rows says of the test rows."""
        fitted = self._fitted(model, self.split.train)
        return self._scored(self.split.test.labels, self._scores(fitted, self.split.test.features))

    def _parts(self) -> list[npt.NDArray[np.intp]]:
        """Held-out rows, fold by fold: blocks in the order of time where there is one, else drawn class by class."""
        import numpy as np
        from sklearn.model_selection import KFold, StratifiedKFold

        labels = self.split.train.labels
        folds = min(FOLDS if len(labels) < MANY else HALVES, len(labels))
        smallest = min(np.unique(labels, return_counts=True)[1]) if self.meaning.classes else 0
        split: Any = KFold(folds, shuffle=True, random_state=0)
        if self.plan.settings.data.time:
            split = KFold(folds)
        elif smallest >= folds:
            split = StratifiedKFold(folds, shuffle=True, random_state=0)
        return [held for _, held in split.split(labels, labels)]

    def _built(self, model: Model) -> Any:
        from training import estimators

        return estimators.build(model, self.plan.schema, self.plan.settings.project.task)

    def _fitted(self, model: Model, rows: Rows) -> Any:
        from training import fitting

        return fitting.fit(self._built(model), rows, model, self.plan.schema, self.meaning.classes)

    def _scores(self, estimator: Any, features: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return scores with a column for each class, also those that the model's own rows did not hold."""
        import numpy as np

        if not self.meaning.classes:
            return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1, 1)
        own = estimator.predict_proba(features)
        scores = np.zeros((len(features), len(self.meaning.classes)))
        scores[:, [self.meaning.classes.index(label) for label in estimator.classes_.tolist()]] = own
        return scores

    def _scored(self, truth: npt.NDArray[Any], scores: npt.NDArray[np.float64]) -> Scored:
        from validation.scored import Scored

        meaning = self.meaning
        return Scored.of(meaning.task, truth, scores, self._as_read.decide(scores), meaning.classes, meaning.positive)

    @cached_property
    def _as_read(self) -> LoadedModel:
        """A model without an estimator: it decides as every reader of an artifact does."""
        from gateline.registry.loaded import LoadedModel
        from training.artifact import manifest_of

        return LoadedModel(manifest_of(self.plan, self.split, self.meaning), self.plan.schema, None, {}, {})

    def _measure(self, name: str) -> Callable[[Scored], float | None]:
        from validation.metrics import measure

        return lambda scored: measure(name, scored, self.plan.settings.metrics)

    def _compared(self) -> Sequence[str]:
        from validation.model.rules.champion import compared

        return compared(self.meaning.task, self.plan.settings.metrics)

    def _spread(self, equal: Sequence[Scored], name: str) -> Spread:
        """Compare equal models two by two, as the gate will."""
        from validation.model.evidence import compare

        settings = self.plan.settings.metrics
        return spread([compare(name, one, equal[at - 1], settings, RESAMPLES) for at, one in enumerate(equal)], name)

    def _worst(self, scored: Scored, other: Scored) -> dict[str, float]:
        from validation.metrics import names
        from validation.model.interval import worst

        listed = [name for name in names(self.meaning.task, self.plan.settings.metrics) if name in LIMITED[self.meaning.task]]
        signs = {name: -1 if name in MINIMIZED else 1 for name in listed}
        found = {name: worst(self._measure(name), scored, other, signs[name]) for name in listed}
        return {name: value for name, value in found.items() if value is not None}

    def _doubt(self, scored: Scored) -> str:
        import numpy as np

        from gateline.contracts.verdict import Outcome
        from validation.model.evidence import Evidence, Golden
        from validation.model.rules.baseline import baseline

        gate = self.plan.settings.gates.model.model_copy(update={"min_rows": 1})
        evidence = Evidence(scored, Golden(np.empty((0, 1)), np.empty((0, 1)), (), ()), gate, self.plan.settings.metrics)
        return "; ".join(rule.reason for rule in baseline(evidence) if rule.outcome is not Outcome.PASS)


def spread(pairs: Sequence[Difference | None], name: str) -> Spread:
    """Return how far the models of some pairs of equal ones differ in a metric: root mean squares."""
    found = [(pair, abs(pair.second) if name in MINIMIZED else 1.0) for pair in pairs if pair is not None]
    squares = [((pair.observed / unit) ** 2, (pair.error / unit) ** 2) for pair, unit in found if unit > 0]
    seen, error = (math.sqrt(sum(column) / max(len(squares), 1)) for column in zip((0.0, 0.0), *squares, strict=True))
    return Spread(seen, error)


def _without(rows: Rows, held: npt.NDArray[np.intp]) -> Rows:
    import numpy as np

    from training.rows import Rows

    kept = np.setdiff1d(np.arange(len(rows)), held)
    kept = kept[:: 1 + len(kept) // MOST]
    return Rows(rows.features[kept], rows.labels[kept])


def _never(scored: Scored) -> tuple[str, ...]:
    counts = [(int((scored.truth == at).sum()), int((scored.called == at).sum())) for at in range(len(scored.classes))]
    return tuple(str(label) for label, (rows, called) in zip(scored.classes, counts, strict=True) if rows and not called)


def main() -> int:
    """Print what a first model reaches as JSON."""
    argparse.ArgumentParser(
        prog="python -m training.first", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    # One thread a fit: the folds are fitted side by side, and threads that wait for each other take longer than the work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(asdict(first_model(load()))))
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
