"""From a verified model to the text of its scorer: one table of the types that can be written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateline.contracts.schema import Schema
from gateline.registry.loaded import LoadedModel
from infra.releases.fast_path import bayes, boosting, combining, encoding, forests, lightgbm, linear, own, scaling
from infra.releases.fast_path.writer import Columns, NotCoveredError, Number, Scorer, Step, Word, Writer

STEPS: Mapping[str, Step] = {
    "model.features.Calendar": own.calendar,
    "model.features.Codes": own.codes,
    "sklearn.ColumnTransformer": combining.column_transformer,
    "sklearn.FunctionTransformer": combining.function,
    "sklearn.MaxAbsScaler": scaling.max_abs,
    "sklearn.MinMaxScaler": scaling.min_max,
    "sklearn.OneHotEncoder": encoding.one_hot,
    "sklearn.OrdinalEncoder": encoding.ordinal,
    "sklearn.Pipeline": combining.pipeline_step,
    "sklearn.RobustScaler": scaling.robust,
    "sklearn.SimpleImputer": scaling.imputer,
    "sklearn.StandardScaler": scaling.standard,
}
"""What stands in front of an estimator, by type: a class that inherits from one may do anything else."""
SCORERS: Mapping[str, Scorer] = {
    "lightgbm.sklearn.LGBMClassifier": lightgbm.classifier,
    "lightgbm.sklearn.LGBMRegressor": lightgbm.regressor,
    "sklearn.BernoulliNB": bayes.bernoulli,
    "sklearn.CalibratedClassifierCV": combining.calibrated,
    "sklearn.CategoricalNB": bayes.categorical,
    "sklearn.DummyClassifier": bayes.dummy_classifier,
    "sklearn.DummyRegressor": bayes.dummy_regressor,
    "sklearn.FrozenEstimator": combining.frozen,
    "sklearn.GaussianNB": bayes.gaussian,
    "sklearn.GradientBoostingClassifier": forests.boosted_classifier,
    "sklearn.GradientBoostingRegressor": forests.boosted_regressor,
    "sklearn.HistGradientBoostingClassifier": boosting.classifier,
    "sklearn.HistGradientBoostingRegressor": boosting.regressor,
    "sklearn.LogisticRegression": linear.classifier,
    "sklearn.LogisticRegressionCV": linear.classifier,
    "sklearn.MultinomialNB": bayes.multinomial,
    "sklearn.Pipeline": combining.pipeline,
    "sklearn.SGDClassifier": linear.one_against_rest,
    "sklearn.VotingClassifier": combining.voting_classifier,
    "sklearn.VotingRegressor": combining.voting_regressor,
    **{
        f"sklearn.{name}{kind}": write
        for name, write in {
            "DecisionTree": forests.tree,
            "ExtraTree": forests.tree,
            "ExtraTrees": forests.forest,
            "RandomForest": forests.forest,
        }.items()
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"sklearn.{name}": linear.regressor
        for name in "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV HuberRegressor BayesianRidge "
        "ARDRegression Lars LassoLars LassoLarsCV LarsCV OrthogonalMatchingPursuit SGDRegressor LinearSVR".split()
    },
    **{f"sklearn.{name}": linear.exponential for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")},
    **{f"sklearn.{name}": linear.decision for name in ("LinearSVC", "Perceptron", "RidgeClassifier", "RidgeClassifierCV")},
}
"""What answers, by type."""


@dataclass(frozen=True)
class Written:
    """The text of a scorer, and what rows to compare must hold, by the place of the feature."""

    text: str
    decisive: dict[int, set[Any]] = field(default_factory=dict)
    """Numbers and words at which features are told apart."""
    wishes: list[dict[int, Any]] = field(default_factory=list)
    """Values that together bring a row to a node of a tree, at what it compares with."""


def written(model: LoadedModel) -> Written:
    """Return a module with `score(row)`, which returns what `model.score` does for a row as `encode` makes it.

    Raises NotCoveredError with the reason where the model holds something that cannot be written out.
    """
    writer = Writer(STEPS, SCORERS)
    features = columns_of(model.schema)
    method = "predict" if model.manifest.task == "regression" else "predict_proba"
    scores = writer.answer(model.estimator, list(features), method)
    wanted = max(1, len(model.manifest.classes))
    if len(scores) != wanted:
        raise NotCoveredError(f"it gives {len(scores)} scores for a row, and {wanted} are expected")
    return Written(writer.module(model.manifest.identity, features, scores), writer.decisive, writer.wishes)


def columns_of(schema: Schema) -> Columns:
    """Return the columns of a row as a scorer is given it."""
    return [
        Word(f"x{place}", place) if column.dtype == "string" else Number(f"x{place}", place)
        for place, column in enumerate(schema.features)
    ]
