"""Models of every kind that can be written out, on three tables: text with gaps, numbers of all sizes, and many classes."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn import dummy, ensemble, linear_model, naive_bayes, neighbors, preprocessing, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from gateline.contracts import samples, schema as schemas
from gateline.contracts.manifest import Manifest
from gateline.contracts.schema import Schema
from gateline.registry.loaded import LoadedModel, encode
from infra.releases.fast_path.drawing import LEAST, as_rows, draw
from infra.releases.fast_path.generating import written
from infra.releases.fast_path.parity import Parity, loaded
from model.features import preprocessor, standardized

ROWS = 400
HOSTILE = ("plain", "it's", 'quo"te', "back\\slash", "new\nline", "'); import os; (", "{x}", "%s", "\u00e9\U0001f600", "")
"""Words that would end a literal, or begin something else, where text is not written with care."""
Front = Callable[[Schema], Any]


@dataclass(frozen=True)
class Table:
    """Rows to fit on, as an estimator gets them, and their labels."""

    name: str
    schema: Schema
    rows: npt.NDArray[np.object_]
    labels: npt.NDArray[Any]

    @property
    def task(self) -> Literal["binary", "multiclass", "regression"]:
        """As a manifest says it."""
        kinds = len(set(self.labels.tolist()))
        return "regression" if self.labels.dtype.kind == "f" else ("binary" if kinds == 2 else "multiclass")


def _column(name: str, dtype: str, nullable: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "nullable": nullable, **more}


COLUMNS: Mapping[str, list[dict[str, Any]]] = {
    "binary": [
        _column("it's \"quoted\"\\", "string", 0.1, categories=list(HOSTILE)),
        _column("city", "string", 0.2, pattern="[A-D][a-c]{1,2}"),
        _column("distance", "number", 0.15, minimum=-50.0, maximum=2500.0),
        _column("age", "integer", minimum=0, maximum=90),
        _column("paid", "boolean", 0.1),
        _column("when", "datetime", 0.1),
    ],
    "regression": [
        _column("tiny", "number", minimum=0.0, maximum=1e-6),
        _column("large", "number", minimum=-1e9, maximum=1e9),
        _column("count", "integer", minimum=0, maximum=12),
        _column("grade", "string", categories=["a", "b", "c"]),
        _column("share", "number", 0.1, minimum=0.0, maximum=1.0),
    ],
    "many classes": [
        _column("colour", "string", 0.1, categories=["red", "green", "blue", "grey"]),
        _column("code", "string", pattern="[a-z]{2}"),
        _column("open", "boolean", 0.1),
        _column("size", "number", 0.2, minimum=0.0, maximum=10.0),
        _column("depth", "number", minimum=-5.0, maximum=5.0),
        _column("rank", "integer", 0.05, minimum=1, maximum=9),
    ],
}


@cache
def table(name: str) -> Table:
    """Return one of the three tables; labels depend on some columns, and on chance."""
    schema = schemas.parse({"columns": [*COLUMNS[name], _column("y", "number")], "target": "y"}, name)
    rows, chance = encode(samples.rows(schema, ROWS, seed=5), schema), np.random.default_rng(5)
    numbers = [place for place, column in enumerate(schema.features) if column.dtype != "string"]
    known = np.nan_to_num(rows[:, numbers].astype(np.float64))
    signal = (known - known.mean(axis=0)) / (known.std(axis=0) + 1e-300)
    words = [place for place, column in enumerate(schema.features) if column.dtype == "string"]
    lengths = np.array([[len(word or "") for word in row] for row in rows[:, words]], dtype=np.float64)
    score = signal.sum(axis=1) + lengths.sum(axis=1) / 4.0 + chance.normal(0.0, 0.5, ROWS)
    if name == "regression":
        return Table(name, schema, rows, score * 1000.0)
    if name == "binary":
        return Table(name, schema, rows, (score > np.median(score)).astype(np.int64))
    cuts = np.quantile(score, np.linspace(0.0, 1.0, 8)[1:-1])
    return Table(name, schema, rows, np.array([f"class {np.searchsorted(cuts, value)}" for value in score], dtype=object))


def _places(schema: Schema) -> tuple[list[int], list[int]]:
    words = [place for place, column in enumerate(schema.features) if column.dtype == "string"]
    return words, [place for place in range(len(schema.features)) if place not in words]


def filled(schema: Schema, scaler: Any = "passthrough", strategy: str = "mean") -> Any:
    """Return a front that leaves no gap, says where one was, and scales."""
    words, numbers = _places(schema)
    ordinal = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    imputer = SimpleImputer(strategy=strategy, add_indicator=True)
    return make_pipeline(make_column_transformer((ordinal, words), (imputer, numbers)), scaler)


def hot(schema: Schema, **options: Any) -> Any:
    """Return a front that makes one column a category, of numbers as well, and drops the last feature."""
    words, numbers = _places(schema)
    options = {"handle_unknown": "ignore"} | options
    text = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none", missing_values=None), preprocessing.OneHotEncoder(**options)
    )
    last = len(schema.features) - 1
    rest = SimpleImputer(strategy="most_frequent")
    return make_column_transformer(
        (text, words), ("drop", [last]), (make_pipeline(rest, preprocessing.MinMaxScaler()), [n for n in numbers if n != last])
    )


def passing(schema: Schema) -> Any:
    """Return a front that drops text and passes the rest, gaps and all."""
    words, _ = _places(schema)
    return make_column_transformer(("drop", words), remainder="passthrough")


def binned(schema: Schema) -> Any:
    """Return a front of codes from 0 on, for models of categories."""
    words, numbers = _places(schema)
    options = {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -1}
    shift = preprocessing.MinMaxScaler(feature_range=(0, 50))
    return make_pipeline(make_column_transformer((preprocessing.OrdinalEncoder(**options), words)), shift)


def of_words(estimator: Any, count: int = 2) -> Any:
    """Return a gradient boosting that takes the first columns, the codes of words, as categories."""
    return estimator(max_iter=15, categorical_features=list(range(count)), max_leaf_nodes=15, random_state=1)


def light(kind: str, **options: Any) -> Any:
    """Return a gradient boosting of LightGBM."""
    fixed = {"n_estimators": 15, "num_leaves": 15, "min_child_samples": 5, "random_state": 1, "n_jobs": 1, "verbose": -1}
    return getattr(importlib.import_module("lightgbm"), kind)(**fixed, **options)


def lights(kind: str) -> Mapping[str, tuple[Front, Callable[[], Any]]]:
    """Return LightGBM's cases; none on macOS, where it needs a library that Python's packages do not bring."""
    by_words = {"categorical_feature": [0], "max_cat_to_onehot": 1}
    found = {
        "LGBM": (preprocessor, lambda: light(kind)),
        "LGBM, without gaps": (filled, lambda: light(kind)),
        "LGBM, categories": (preprocessor, lambda: light(kind, **by_words)),
    }
    return found if sys.platform == "linux" else {}


CLASSIFIERS: Mapping[str, tuple[Front, Callable[[], Any]]] = {
    "HistGradientBoosting": (preprocessor, lambda: ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=1)),
    "HistGradientBoosting, categories": (preprocessor, lambda: of_words(ensemble.HistGradientBoostingClassifier, 1)),
    **lights("LGBMClassifier"),
    "RandomForest": (preprocessor, lambda: ensemble.RandomForestClassifier(20, max_depth=7, random_state=1)),
    "RandomForest, 100 trees of any depth": (filled, lambda: ensemble.RandomForestClassifier(100, random_state=1)),
    "ExtraTrees": (preprocessor, lambda: ensemble.ExtraTreesClassifier(20, max_depth=7, random_state=1)),
    "GradientBoosting": (filled, lambda: ensemble.GradientBoostingClassifier(n_estimators=15, random_state=1)),
    "DecisionTree": (preprocessor, lambda: tree.DecisionTreeClassifier(random_state=1)),
    "ExtraTree": (filled, lambda: tree.ExtraTreeClassifier(random_state=1)),
    "LogisticRegression": (standardized, lambda: linear_model.LogisticRegression(max_iter=2000)),
    "SGDClassifier": (standardized, lambda: linear_model.SGDClassifier(loss="log_loss", random_state=1)),
    "GaussianNB": (filled, naive_bayes.GaussianNB),
    "BernoulliNB": (hot, naive_bayes.BernoulliNB),
    "MultinomialNB": (hot, naive_bayes.MultinomialNB),
    "CategoricalNB": (binned, naive_bayes.CategoricalNB),
    "Dummy": (passing, lambda: dummy.DummyClassifier(strategy="prior")),
    "CalibratedClassifierCV, sigmoid": (
        standardized, lambda: CalibratedClassifierCV(linear_model.RidgeClassifier(), cv=3)
    ),
    "CalibratedClassifierCV, isotonic": (
        filled, lambda: CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=3, method="isotonic")
    ),
    "CalibratedClassifierCV, forest": (
        filled, lambda: CalibratedClassifierCV(ensemble.RandomForestClassifier(10, max_depth=5, random_state=1), cv=3)
    ),
    "CalibratedClassifierCV, LinearSVC": (standardized, lambda: CalibratedClassifierCV(svm.LinearSVC(random_state=1), cv=3)),
    "KNeighbors (not covered)": (filled, neighbors.KNeighborsClassifier),
    "VotingClassifier": (
        filled,
        lambda: ensemble.VotingClassifier(
            [
                ("a", ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=1)),
                ("b", make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=2000))),
                ("c", naive_bayes.GaussianNB()),
            ],
            voting="soft", weights=[2, 1, 1],
        ),
    ),
}  # fmt: skip
"""Classifiers by name: what stands in front of them, and what makes them."""
REGRESSORS: Mapping[str, tuple[Front, Callable[[], Any]]] = {
    "HistGradientBoosting": (preprocessor, lambda: ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=1)),
    "HistGradientBoosting, categories": (preprocessor, lambda: of_words(ensemble.HistGradientBoostingRegressor, 1)),
    **lights("LGBMRegressor"),
    "RandomForest": (preprocessor, lambda: ensemble.RandomForestRegressor(20, max_depth=7, random_state=1)),
    "RandomForest, 100 trees of any depth": (filled, lambda: ensemble.RandomForestRegressor(100, random_state=1)),
    "ExtraTrees": (preprocessor, lambda: ensemble.ExtraTreesRegressor(20, max_depth=7, random_state=1)),
    "GradientBoosting": (filled, lambda: ensemble.GradientBoostingRegressor(n_estimators=15, random_state=1)),
    "DecisionTree": (preprocessor, lambda: tree.DecisionTreeRegressor(random_state=1)),
    "ExtraTree": (filled, lambda: tree.ExtraTreeRegressor(random_state=1)),
    "LinearRegression": (standardized, linear_model.LinearRegression),
    "Ridge": (standardized, linear_model.Ridge),
    "Lasso": (standardized, lambda: linear_model.Lasso(alpha=5.0)),
    "ElasticNet": (standardized, linear_model.ElasticNet),
    "Dummy": (passing, lambda: dummy.DummyRegressor(strategy="median")),
    "VotingRegressor": (
        filled,
        lambda: ensemble.VotingRegressor(
            [("a", ensemble.HistGradientBoostingRegressor(max_iter=10, random_state=1)), ("b", linear_model.Ridge())]
        ),
    ),
}
"""Regressors by name."""
STEPS: Mapping[str, Front] = {
    "Codes, Calendar (the template's own)": preprocessor,
    "OrdinalEncoder, SimpleImputer with indicators": filled,
    "the same, StandardScaler": lambda schema: filled(schema, preprocessing.StandardScaler()),
    "the same, MinMaxScaler": lambda schema: filled(schema, preprocessing.MinMaxScaler()),
    "the same, RobustScaler": lambda schema: filled(schema, preprocessing.RobustScaler(), "median"),
    "the same, MaxAbsScaler": lambda schema: filled(schema, preprocessing.MaxAbsScaler()),
    "OneHotEncoder, drop, MinMaxScaler": hot,
    "OneHotEncoder that drops one": lambda schema: hot(schema, drop="first"),
    "OneHotEncoder of frequent words": lambda schema: hot(schema, handle_unknown="infrequent_if_exist", min_frequency=30),
    "OneHotEncoder, SimpleImputer, StandardScaler": standardized,
    "drop, passthrough": passing,
}
"""What can stand in front, by name; each in front of trees, and of a linear model where it leaves no gap."""


def fitted(data: Table, front: Front, estimator: Any) -> LoadedModel:
    """Return a pipeline, fitted to a table, as if it had been loaded from an artifact."""
    pipeline = make_pipeline(front(data.schema), estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a small model has not converged changes nothing here
        pipeline.fit(data.rows, data.labels)
    classes = () if data.task == "regression" else tuple(sorted(set(data.labels.tolist())))
    manifest = Manifest(
        identity="0123456789abcdef", version="zoo", inputs={}, files={}, task=data.task, target="y",
        features=tuple(column.name for column in data.schema.features), classes=classes,
    )  # fmt: skip
    golden = {"rows": samples.rows(data.schema, 20, seed=1)}
    return LoadedModel(manifest=manifest, schema=data.schema, estimator=pipeline, golden=golden, reference={})


def cases() -> dict[str, tuple[str, Front, Callable[[], Any]]]:
    """Return every case by name: its table, its front, and what makes its estimator."""
    found: dict[str, tuple[str, Front, Callable[[], Any]]] = {}
    for data in COLUMNS:
        regresses = data == "regression"
        for name, (front, make) in (REGRESSORS if regresses else CLASSIFIERS).items():
            found[f"{data}: {name}"] = (data, front, make)
        boosted = REGRESSORS if regresses else CLASSIFIERS
        for name, front in STEPS.items():
            found[f"{data}: {name}; trees"] = (data, front, boosted["DecisionTree"][1])
            if name not in ("Codes, Calendar (the template's own)", "drop, passthrough"):
                line = boosted["Ridge" if regresses else "LogisticRegression"][1]
                found[f"{data}: {name}; linear"] = (data, front, line)
    frozen = lambda: CalibratedClassifierCV(FrozenEstimator(_fitted_logistic()), cv=3)  # noqa: E731
    found["binary: CalibratedClassifierCV, frozen"] = ("binary", passing_filled, frozen)
    return found


def passing_filled(schema: Schema) -> Any:
    """Return a front of numbers alone, without gaps."""
    return make_pipeline(passing(schema), SimpleImputer())


def _fitted_logistic() -> Any:
    data = table("binary")
    rows = passing_filled(data.schema).fit_transform(data.rows)
    return linear_model.LogisticRegression(max_iter=2000).fit(rows, data.labels)


def compared(name: str, least: int = LEAST) -> Parity:
    """Fit a case, write it out, and compare the rows that it was fitted to, and those that are drawn for it.

    Raises NotCoveredError where it cannot be written out, or differs.
    """
    data, front, make = cases()[name]
    model = fitted(table(data), front, make())
    scorer = written(model)
    parity = Parity(model, loaded(scorer.text))
    parity.compare("fitted", table(data).rows)
    parity.compare("drawn", as_rows(draw(model.schema, scorer, 7, least)))
    return parity
