"""What cannot be written out says why; what is written is deterministic, and takes nothing of the data for code."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

import model.features
from benchmarks.zoo import HOSTILE, cases, filled, fitted, table
from gateline.registry.loaded import LoadedModel
from infra.releases.fast_path import own, trees
from infra.releases.fast_path.generating import written
from infra.releases.fast_path.own import KNOWN, digest_of
from infra.releases.fast_path.writer import NotCoveredError
from model.features import preprocessor, standardized


def of(name: str) -> LoadedModel:
    """Return a model of the zoo."""
    data, front, make = cases()[name]
    return fitted(table(data), front, make())


class Mine(RandomForestClassifier):  # type: ignore[misc]
    """Inherits, and could answer anything."""


@pytest.mark.parametrize(
    ("front", "estimator", "why"),
    [
        (filled, KNeighborsClassifier(), "sklearn.KNeighborsClassifier is not among the estimators"),
        (filled, Mine(3), r"test_generating.Mine is not among the estimators"),
        (filled, VotingClassifier([("a", LogisticRegression())]), "a VotingClassifier counts votes"),
        (lambda schema: filled(schema, FunctionTransformer(np.abs)), LogisticRegression(), "calls a function"),
        (lambda schema: filled(schema, MinMaxScaler(clip=True)), LogisticRegression(), "a MinMaxScaler clips"),
    ],
)
def test_what_is_not_covered_says_why(front: Any, estimator: Any, why: str) -> None:
    if isinstance(estimator, VotingClassifier):
        estimator.set_params(voting="hard")
    with pytest.raises(NotCoveredError, match=why):
        written(fitted(table("binary"), front, estimator))


def test_more_nodes_than_are_worth_it_are_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_NODES", 100)
    with pytest.raises(NotCoveredError, match="its trees have more than 100 nodes"):
        written(of("binary: RandomForest"))


def test_categories_in_linked_trees_are_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_AS_CODE", 10)
    with pytest.raises(NotCoveredError, match="split by category"):
        written(of("binary: HistGradientBoosting, categories"))


@pytest.mark.parametrize("name", ["binary: HistGradientBoosting", "many classes: LogisticRegression"])
def test_equal_models_are_written_equally(name: str) -> None:
    assert written(of(name)) == written(of(name))


@pytest.mark.parametrize("front", [preprocessor, standardized, filled])
def test_nothing_of_the_data_becomes_code(front: Any) -> None:
    data = table("binary")
    assert set(HOSTILE) <= set(data.rows[:, 0])
    estimator = HistGradientBoostingClassifier() if front is preprocessor else LogisticRegression()
    text = written(fitted(data, front, estimator)).text
    assert text.isascii()
    module = ast.parse(text)
    called = {ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    known = re.compile(r"math\.exp|math\.log|max|int|divmod|float|ValueError|_expit|_calendar|T\d+\.get|F\d+")
    assert all(known.fullmatch(name) for name in called), called
    imported = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"math"} and not any(isinstance(node, ast.ImportFrom) for node in ast.walk(module))
    tables = [node for node in ast.walk(module) if isinstance(node, ast.Dict)]
    keys = {key.value for each in tables for key in each.keys if isinstance(key, ast.Constant)}
    assert set(HOSTILE) <= keys
    assert "quoted" not in text, "names of features are not in it at all"


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_steps_of_the_template_are_those_that_are_known(name: str) -> None:
    assert digest_of(getattr(model.features, name)) == KNOWN[name]


def test_a_step_of_the_copy_that_was_changed_is_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(own.KNOWN, "Codes", "0" * 64)
    with pytest.raises(NotCoveredError, match="model/features.py has another Codes than the template"):
        written(of("binary: HistGradientBoosting"))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_takes_no_gap_does_not_answer_one(value: float) -> None:
    data, variables = table("regression"), dict[str, Any]()
    numbers = make_column_transformer(("passthrough", [0, 1, 2]))
    exec(written(fitted(data, lambda schema: numbers, LinearRegression())).text, variables)
    assert math.isfinite(variables["score"]([1e-7, 5.0, 3.0, "a", 0.5])[0])
    with pytest.raises(ValueError, match="a value is missing, or infinite"):
        variables["score"]([1e-7, value, 3.0, "a", 0.5])
