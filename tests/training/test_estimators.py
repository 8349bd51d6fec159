"""An estimator is built from its name; what is wrong with the name is said, with the nearest right one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from gateline.contracts.schema import Schema, parse
from gateline.settings import Model
from gateline.settings.errors import UsageError
from training.estimators import _is_of, build


@pytest.fixture
def schema() -> Schema:
    body = {"columns": [{"name": "x", "dtype": "number"}, {"name": "y", "dtype": "integer"}], "target": "y"}
    return parse(body)


def model(estimator: str, **parameters: Any) -> Model:
    return Model(estimator=estimator, seed=11, parameters=parameters)


def test_a_class_stands_behind_the_preprocessor_with_seed_and_parameters(schema: Schema) -> None:
    built = build(model("sklearn.ensemble.HistGradientBoostingClassifier", max_iter=3), schema, "classification")
    last = built.steps[-1][1]
    assert [name for name, _ in built.steps][0] == "columntransformer"
    assert isinstance(last, HistGradientBoostingClassifier)
    assert (last.random_state, last.max_iter) == (11, 3)


def test_a_random_state_of_the_settings_is_kept(schema: Schema) -> None:
    built = build(model("sklearn.linear_model.LogisticRegression", random_state=5), schema, "classification")
    assert built.steps[-1][1].random_state == 5


def test_a_class_without_random_state_is_not_given_one(schema: Schema) -> None:
    built = build(model("sklearn.naive_bayes.GaussianNB"), schema, "classification")
    assert not hasattr(built.steps[-1][1], "random_state")


def test_a_function_builds_the_whole(schema: Schema) -> None:
    built = build(model("model.estimators:logistic", C=0.5), schema, "classification")
    last = built.steps[-1][1]
    assert isinstance(last, LogisticRegression) and (last.C, last.random_state) == (0.5, 11)


@pytest.mark.parametrize(
    ("estimator", "parameters", "message"),
    [
        ("sklearn.ensembel.Forest", {}, "there is no module 'sklearn.ensembel'; did you mean 'sklearn.ensemble'?"),
        ("sklern.ensemble.Forest", {}, "there is no module 'sklern'; did you mean 'sklearn'?"),
        (
            "sklearn.linear_model.LogisticRegresion",
            {},
            "has no 'LogisticRegresion'; did you mean 'LogisticRegression'?",
        ),
        ("sklearn.linear_model.LogisticRegression", {"max_itr": 3}, "did you mean 'max_iter'?"),
        ("model.estimators:logistik", {}, "has no 'logistik'; did you mean 'logistic'?"),
        ("model.estimators.logistic", {}, "is not the class of an estimator"),
        ("sklearn.linear_model.Ridge", {}, "is a regressor, but project.task is classification"),
        ("sklearn.svm.LinearSVC", {}, "has no predict_proba"),
        ("model.estimators:__doc__", {}, "is not a function"),
        ("builtins:dict", {}, "gave dict, which has no fit"),
        ("tests.training.moody:broken", {}, "could not be made: ValueError: no estimator today"),
        ("tests.training.moody:moody", {"depth": 3}, "got an unexpected keyword argument 'depth'"),
        ("builtins.dict", {}, "is not the class of an estimator"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(
    schema: Schema, estimator: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        build(model(estimator, **parameters), schema, "classification")


def test_an_estimator_without_probabilities_names_the_way_to_have_them(schema: Schema) -> None:
    with pytest.raises(UsageError) as raised:
        build(model("sklearn.svm.LinearSVC"), schema, "classification")
    assert "CalibratedClassifierCV" in raised.value.next_step


def test_a_classifier_is_no_regression(schema: Schema) -> None:
    with pytest.raises(UsageError, match="is a classifier, but project.task is regression"):
        build(model("sklearn.linear_model.LogisticRegression"), schema, "regression")


@pytest.mark.parametrize("error", [KeyError("plan"), RuntimeError("not written yet"), ZeroDivisionError("by zero")])
def test_an_error_in_the_preprocessor_is_told_in_a_line(
    schema: Schema, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raising(schema: Schema) -> Any:
        raise error

    monkeypatch.setattr("model.features.preprocessor", raising)
    with pytest.raises(UsageError, match=f"model.features.preprocessor failed: {type(error).__name__}: ") as raised:
        build(model("sklearn.linear_model.LogisticRegression"), schema, "classification")
    assert "correct model/features.py" in raised.value.next_step


def test_a_missing_preprocessor_is_named(schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("model.features.preprocessor")
    with pytest.raises(UsageError, match="module 'model.features' has no 'preprocessor'"):
        build(model("sklearn.linear_model.LogisticRegression"), schema, "classification")


def test_an_estimator_of_no_known_kind_is_taken_as_it_is(schema: Schema) -> None:
    class Plain:
        def fit(self, features: Any, labels: Any) -> Plain:
            return self

        def predict_proba(self, features: Any) -> Any:
            return features

    assert not _is_of(Plain(), "regression")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_to_be_found", "'lone' needs 'nowhere_to_be_found', which is not installed"),
        ("1 / 0", "'lone' cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    (tmp_path / "lone.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=re.escape(message)):
        build(model("lone:build"), schema, "classification")
