"""Parameters that name columns and classes reach the estimator where its columns and classes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gateline.contracts.schema import Schema, parse
from gateline.settings import Model
from gateline.settings.errors import UsageError
from model.features import preprocessor, standardized
from tests.training.test_fitting import Numbered
from training.estimators import build
from training.fitting import fit
from training.parameters import as_taken, of_classes, placed, refuse_places
from training.rows import Rows

LDA = "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"
BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
COLUMNS = ("first", "kind", "when", "x", "word", "open")
DTYPES = ("number", "string", "datetime", "number", "string", "boolean")


@pytest.fixture(scope="module")
def schema() -> Schema:
    columns = [{"name": name, "dtype": dtype} for name, dtype in zip(COLUMNS, DTYPES, strict=True)]
    return parse({"columns": [*columns, {"name": "y", "dtype": "string"}], "target": "y"})


@pytest.fixture(scope="module")
def rows() -> Rows:
    """`y` falls with x, and rises with nothing else."""
    chance = np.random.default_rng(0)
    table = np.empty((600, 6), dtype=object)
    for place in (0, 2, 3, 5):
        table[:, place] = chance.normal(size=600)
    for place in (1, 4):
        table[:, place] = chance.choice(["red", "blue"], 600)
    return Rows(table, np.where(table[:, 3].astype(float) < 0, "yes", "no").astype(object))


def named(**parameters: Any) -> Model:
    return Model(estimator=BOOSTING, parameters=parameters)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"monotonic_cst": {"x": -1}}, {"monotonic_cst": (0, 0, 0, 0, 0, 0, -1, 0)}),
        ({"monotone_constraints": {"first": 1, "open": -1}}, {"monotone_constraints": (0, 0, 0, 0, 0, 1, 0, -1)}),
        ({"categorical_features": ["word", "kind"]}, {"categorical_features": [1, 0]}),
        ({"categorical_features": {"word": True, "x": False}}, {"categorical_features": [1]}),
        ({"interaction_cst": [["x", "word"], ["open"]]}, {"interaction_cst": [[6, 1], [7]]}),
        ({"feature_types": {"word": "c"}}, {"feature_types": ("q", "c", "q", "q", "q", "q", "q", "q")}),
        ({"max_bin_by_feature": {"x": 15}}, {"max_bin_by_feature": (255,) * 6 + (15, 255)}),
        ({"categorical_features": "from_dtype", "interaction_cst": "pairwise", "max_iter": 5}, {}),
    ],
)
def test_a_name_becomes_the_place_behind_the_preprocessor(
    schema: Schema, rows: Rows, parameters: dict[str, Any], found: dict[str, Any]
) -> None:
    """Behind it stand the words, three parts of the moment, then the numbers."""
    assert placed(named(**parameters), schema, preprocessor(schema), rows.features, rows.labels) == found


@pytest.mark.parametrize(
    ("parameters", "message", "advice"),
    [
        ({"monotonic_cst": [1, 0]}, "holds a list of places; name the columns, as monotonic_cst = { first = 1 }", "x"),
        ({"monotone_constraints": "(1,-1)"}, "holds a list of places; name the columns, as monotone_", "kind"),
        ({"interaction_constraints": "[[0, 1]]"}, 'as interaction_constraints = [["first"]]', "kind"),
        ({"feature_types": ["q", "c"]}, 'as feature_types = { first = "c" }', "kind"),
        ({"feature_weights": [1, 2]}, "holds a list of places; name the columns, as feature_weights = { first = 1 }", "x"),
        ({"metric_params": {"w": [1, 2]}}, "metric_params holds a list of places", "in model/features.py"),
        ({"categorical_features": [0, 2]}, "holds the place 0; name the column", "kind"),
        ({"categorical_features": [True, False]}, "holds the place True", "kind"),
        ({"interaction_cst": [[0, 1]]}, "holds the place 0", "kind"),
        ({"monotonic_cst": {"firts": 1}}, "names 'firts', which is no feature; did you mean 'first'?", "the features"),
        ({"categorical_features": ["y"]}, "names 'y', which is no feature", "first, kind, when, x, word, open"),
    ],
)
def test_places_and_unknown_columns_are_refused(
    schema: Schema, parameters: dict[str, Any], message: str, advice: str
) -> None:
    with pytest.raises(UsageError, match="^model.parameters") as raised:
        build(named(**parameters), schema, "classification")
    assert message in raised.value.message and advice in raised.value.next_step
    refuse_places(named(monotonic_cst={"x": 1}, categorical_features=["kind"]), schema)


def test_a_column_that_is_made_into_others_is_refused(schema: Schema, rows: Rows) -> None:
    for front, name in ((preprocessor(schema), "when"), (standardized(schema), "kind")):
        with pytest.raises(UsageError, match=f"names '{name}', which model.features.preprocessor makes into other") as raised:
            placed(named(monotonic_cst={name: 1}), schema, front, rows.features, rows.labels)
        assert "behind it stand " in raised.value.next_step


def test_a_preprocessor_that_does_not_tell_its_columns_is_named(schema: Schema, rows: Rows) -> None:
    class Silent:
        def fit(self, features: Any, labels: Any) -> Any:
            return self

    with pytest.raises(UsageError, match="does not tell where they stand: AttributeError") as raised:
        placed(named(monotonic_cst={"x": 1}), schema, Silent(), rows.features, rows.labels)
    assert "get_feature_names_out" in raised.value.next_step


@pytest.mark.parametrize("estimator", ["sklearn.ensemble.RandomForestClassifier", "sklearn.tree.DecisionTreeClassifier"])
@pytest.mark.parametrize(("column", "learns"), [("x", False), ("first", True)])
def test_a_constraint_holds_for_the_column_that_it_names(
    schema: Schema, rows: Rows, estimator: str, column: str, learns: bool
) -> None:
    """The probability of yes falls with x: it must not."""
    few = {"max_depth": 3} | ({"n_estimators": 20} if "Forest" in estimator else {})
    model = Model(estimator=estimator, parameters={"monotonic_cst": {column: 1}} | few)
    fitted = fit(build(model, schema, "classification"), rows, model, schema, ("no", "yes"))
    right = (fitted.predict_proba(rows.features)[:, 1] > 0.5) == (rows.labels == "yes")
    assert bool(right.mean() > 0.8) is learns


def boosted(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return what a copy's own function builds."""
    return make_pipeline(preprocessor(schema), HistGradientBoostingClassifier(random_state=seed, max_iter=5, **parameters))


@pytest.mark.parametrize(("column", "learns"), [("x", False), ("first", True)])
def test_a_function_that_hands_names_on_gets_their_places(schema: Schema, rows: Rows, column: str, learns: bool) -> None:
    model = Model(estimator=f"{__name__}:boosted", parameters={"monotonic_cst": {column: 1}})
    fitted = fit(build(model, schema, "classification"), rows, model, schema, ("no", "yes"))
    right = (fitted.predict_proba(rows.features)[:, 1] > 0.5) == (rows.labels == "yes")
    assert bool(right.mean() > 0.8) is learns


def test_a_function_that_hands_places_on_is_refused(schema: Schema) -> None:
    for parameters in ({"monotonic_cst": [0, 0, 0, 1, 0, 0]}, {"categorical_features": [1]}, {"interaction_cst": "[[0, 1]]"}):
        with pytest.raises(UsageError, match="place"):
            build(Model(estimator=f"{__name__}:boosted", parameters=parameters), schema, "classification")
    own = Model(estimator=f"{__name__}:boosted", parameters={"categorical_features": ["remainder__x"]})
    assert build(own, schema, "classification").steps[-1][1].categorical_features == ["remainder__x"]


@pytest.mark.parametrize(
    ("classes", "weights", "found", "numbers"),
    [
        (["no", "yes"], {"yes": 5.0}, {"yes": 5.0}, {1: 5.0}),
        ([1, 2, 3], {"1": 1, "3": 9}, {1: 1, 3: 9}, {0: 1, 2: 9}),
        ([False, True], {"true": 3}, {True: 3}, {1: 3}),
        ([0.0, 1.0], {"1": 3}, {1.0: 3}, {1: 3}),
    ],
)
def test_weights_are_by_class(
    classes: list[Any], weights: dict[str, float], found: dict[Any, float], numbers: dict[int, float]
) -> None:
    for key in ("class_weight", "class_weights"):
        assert of_classes(key, weights, classes) == found
        assert of_classes(key, weights, classes, numbered=True) == numbers
    assert of_classes("class_weight", "balanced", classes) == "balanced"


@pytest.mark.parametrize(
    ("key", "given", "message"),
    [
        ("class_weight", {"yess": 5}, "class_weight names 'yess', which is no class of the target; did you mean 'yes'?"),
        ("class_weight", [1, 5], "holds a list of places; name the classes, as class_weight = { yes = 5.0 }"),
        ("priors", [0.9, 0.1], "holds a list of places; name the classes, as priors = { no = 0.5, yes = 0.5 }"),
        ("class_prior", {"yes": 0.3}, "class_prior leaves out 'no'"),
        ("scale_pos_weight", 9, "would weigh 'yes', but the positive class is 'no'"),
    ],
)
def test_what_speaks_of_classes_by_place_is_refused(key: str, given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"^model.parameters.{key} ") as raised:
        of_classes(key, given, ["no", "yes"], positive="no")
    assert message in raised.value.message and raised.value.next_step


def test_priors_and_the_weight_of_the_positive_are_by_class() -> None:
    assert of_classes("priors", {"yes": 0.3, "no": 0.7}, ["no", "yes"]) == [0.7, 0.3]
    assert of_classes("class_prior", {"2": 0.5, "10": 0.5}, [2, 10]) == [0.5, 0.5]
    assert of_classes("scale_pos_weight", {"fraud": 4}, ["fraud", "legit"], positive="fraud") == 0.25
    assert of_classes("scale_pos_weight", {"yes": 4}, ["no", "yes"], positive="yes") == 4
    assert of_classes("scale_pos_weight", 4, ["no", "yes"], positive="yes") == 4
    with pytest.raises(UsageError, match="is for two classes, and the target has 3"):
        of_classes("scale_pos_weight", {"a": 4}, ["a", "b", "c"])


def naive(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return what a copy's own function builds."""
    return make_pipeline(SimpleImputer(), GaussianNB(**parameters))


@pytest.mark.parametrize("estimator", ["sklearn.naive_bayes.GaussianNB", f"{__name__}:naive", LDA])
def test_priors_move_the_answers_towards_their_class(rows: Rows, estimator: str) -> None:
    schema = parse({"columns": [{"name": "x", "dtype": "number"}, {"name": "y", "dtype": "string"}], "target": "y"})
    table = Rows(rows.features[:, [2]], rows.labels)  # a column that tells nothing, so that the prior is the answer

    def share(priors: Any) -> float:
        model = Model(estimator=estimator, parameters={"priors": priors})
        fitted = fit(build(model, schema, "classification"), table, model, schema, ("no", "yes"))
        return float(fitted.predict_proba(table.features)[:, 1].mean())

    assert share({"yes": 0.9, "no": 0.1}) > 0.8 > 0.2 > share({"no": 0.9, "yes": 0.1})
    with pytest.raises(UsageError, match="model.parameters.priors holds a list of places"):
        share([0.9, 0.1])


@pytest.mark.parametrize("labels", [("no", "yes"), (0, 1), (1, 2)])
@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: VotingClassifier([("one", one)], voting="soft")])
def test_a_function_gets_weights_by_the_labels_too(rows: Rows, labels: tuple[Any, Any], wrap: Any) -> None:
    """Voting numbers the classes by itself, so that its parts see other labels than the file's."""
    table = Rows(rows.features[:, [3]], np.where(rows.labels == "yes", labels[1], labels[0]).astype(type(labels[0])))
    table = Rows(table.features, table.labels.astype(object if labels[0] == "no" else int))

    def share(weight: float) -> float:
        model = Model(estimator="model.estimators:own", parameters={"class_weight": {str(labels[1]): weight}})
        own = wrap(make_pipeline(StandardScaler(), LogisticRegression(**model.parameters)))
        fitted = fit(own, table, model, parse({"columns": [{"name": "x", "dtype": "number"}]}), labels)
        return float(fitted.predict_proba(table.features)[:, 1].mean())

    assert share(9.0) > share(1 / 9) + 0.05


@pytest.mark.parametrize("estimator", [BOOSTING, f"{Numbered.__module__}.Numbered"])
def test_a_weight_moves_the_answers_towards_its_class(schema: Schema, rows: Rows, estimator: str) -> None:
    def share(weight: float) -> float:
        model = Model(estimator=estimator, parameters={"class_weight": {"yes": weight}, "max_iter": 3})
        fitted = fit(build(model, schema, "classification"), rows, model, schema, ("no", "yes"))
        return float(fitted.predict_proba(rows.features)[:, 1].mean())

    assert share(9.0) > share(1.0) + 0.1 > share(1 / 9) + 0.2


def test_xgboost_gets_groups_of_places_as_text() -> None:
    class Theirs:
        __module__ = "xgboost.sklearn"

    given = {"interaction_constraints": [[0, 1], [2]], "monotone_constraints": (0, 1)}
    assert as_taken(Theirs(), given) == given | {"interaction_constraints": "[[0, 1], [2]]"}
    assert as_taken(GaussianNB(), given) == given
