"""Parameters of an estimator that speak of columns and classes: by name in `pipeline.toml`, by place in the estimator.

What stands in front of an estimator puts the columns in another order, so a place means nothing to who writes the settings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from gateline.contracts.manifest import class_of
from gateline.contracts.schema import Schema
from gateline.settings import Model
from gateline.settings.errors import UsageError, did_you_mean, explain

BY_COLUMN: Mapping[str, Any] = {
    "monotonic_cst": 0,
    "monotone_constraints": 0,
    "feature_types": "q",
    "feature_weights": 1.0,
    "feature_contri": 1.0,
    "feature_penalty": 1.0,
    "max_bin_by_feature": 255,
    "min_categories": 0,
    "cegb_penalty_feature_coupled": 0.0,
    "cegb_penalty_feature_lazy": 0.0,
    "first_feature_use_penalties": 0.0,
    "per_object_feature_penalties": 0.0,
}
"""Parameters that hold a value for each column, as `{ age = 1 }`, and what columns have that are not named: of scikit-learn,
XGBoost, LightGBM and CatBoost."""
COLUMNS = (
    "categorical_features",
    "categorical_feature",
    "categorical_column",
    "cat_features",
    "cat_feature",
    "text_features",
    "ignored_features",
)
"""Parameters that list columns: `["plan"]`."""
GROUPS = ("interaction_cst", "interaction_constraints")
"""Parameters that list groups of columns: `[["age", "plan"], ["spend"]]`."""
WEIGHTS = ("class_weight", "class_weights")
"""A number for each class: `{ yes = 5.0 }`; classes that are not named have 1."""
PRIORS = ("priors", "class_prior")
"""A number for each class, none left out: `{ no = 0.7, yes = 0.3 }`."""
POSITIVE = "scale_pos_weight"
"""The weight of the greater of two classes, as XGBoost, LightGBM and CatBoost count them, whichever is positive here."""
DISTANCE = "metric_params"
"""Holds lists by place, with which a distance weighs the columns."""


def refuse_places(model: Model, schema: Schema) -> None:
    """Raise UsageError where a parameter that speaks of columns names places, or columns that are no features."""
    names = [column.name for column in schema.features]
    known = f"the features are {', '.join(names[:20])}"
    for key, value in _of_columns(model.parameters):
        where = f"model.parameters.{key}"
        if isinstance(value, str) or (key in BY_COLUMN and not isinstance(value, Mapping)):
            name = next((column.name for column in schema.features if column.dtype != "string"), names[0])
            example = f'["{name}"]' if key in COLUMNS else f'[["{name}"]]'
            if key in BY_COLUMN:
                example = f'{{ {name} = "c" }}' if key == "feature_types" else f"{{ {name} = 1 }}"
            raise UsageError(f"{where} holds a list of places; name the columns, as {key} = {example}", known)
        for name in _named(key, value):
            if not isinstance(name, str):
                raise UsageError(f"{where} holds the place {name!r}; name the column", known)
            if name not in names:
                raise UsageError(f"{where} names '{name}', which is no feature{did_you_mean(name, names)}", known)
    distance = model.parameters.get(DISTANCE)
    if isinstance(distance, Mapping) and any(isinstance(value, (list, tuple)) for value in distance.values()):
        raise UsageError(
            f"model.parameters.{DISTANCE} holds a list of places, which mean nothing behind model.features.preprocessor",
            "multiply the columns by their weights in model/features.py instead",
        )


def handed_on(model: Model, estimator: Any, schema: Schema) -> Model:
    """Return the settings with those parameters alone that speak of columns and reach the last step of a pipeline as they are.

    Of what a function builds: other names than those of features are for it to know.
    """
    steps = getattr(estimator, "steps", [])
    held = steps[-1][1].get_params(deep=False) if len(steps) > 1 and hasattr(steps[-1][1], "get_params") else {}
    names, given = {column.name for column in schema.features}, model.parameters
    found = {
        key: value
        for key, value in _of_columns(given)
        if key in held
        and _is(held[key], given[key])
        and all(name in names for name in _named(key, value) if isinstance(name, str))
    }
    return model.model_copy(update={"parameters": found})


def placed(model: Model, schema: Schema, front: Any, features: npt.NDArray[Any], labels: npt.NDArray[Any]) -> dict[str, Any]:
    """Return the parameters that name columns, with their places behind `front`, which is fitted for this.

    Raises UsageError for a column that does not stand behind it by itself, as one that was made into several.
    """
    found = dict(_of_columns(model.parameters))
    if not found:
        return {}
    names = [column.name for column in schema.features]
    fitted = front.fit(features, labels)
    try:
        behind = [str(name) for name in fitted.get_feature_names_out(names)]
    except Exception as error:
        raise UsageError(
            f"model.parameters.{next(iter(found))} names columns, but what model.features.preprocessor returns does not tell "
            f"where they stand: {explain(error)}",
            "give its transformers get_feature_names_out, as scikit-learn's have it",
        ) from error
    placed: dict[str, Any] = {}
    for key, value in found.items():
        if key in BY_COLUMN:
            values = {_place(key, name, behind): each for name, each in value.items()}
            placed[key] = tuple(values.get(place, BY_COLUMN[key]) for place in range(len(behind)))
        elif key in COLUMNS:
            placed[key] = [_place(key, name, behind) for name in value]
        else:
            placed[key] = [[_place(key, name, behind) for name in group] for group in value]
    return placed


def as_taken(estimator: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of places as an estimator takes them: XGBoost looks up groups by name unless they are text."""
    as_text = type(estimator).__module__.startswith("xgboost")
    return {key: json.dumps(value) if as_text and key in GROUPS else value for key, value in parameters.items()}


def weigh(estimator: Any, model: Model, classes: Sequence[Any], numbered: bool, positive: Any = None) -> None:
    """Give what the settings say of classes to each part of an estimator that holds it as they have it, by the labels, or by
    their numbers where it is fitted to these.

    Raises UsageError for places, for what is no class, and for one that is left out.
    """
    held = estimator.get_params() if hasattr(estimator, "get_params") else {}
    for key in (*WEIGHTS, *PRIORS, POSITIVE) if classes else ():
        given = model.parameters.get(key)
        names = [name for name, value in held.items() if name.rpartition("__")[2] == key and _is(value, given)]
        if given is None or (":" in model.estimator and not names):
            continue
        value = of_classes(key, given, classes, numbered, positive)
        if names:
            estimator.set_params(**dict.fromkeys(names, value))


def of_classes(key: str, given: Any, classes: Sequence[Any], numbered: bool = False, positive: Any = None) -> Any:
    """Return a parameter that speaks of classes as an estimator takes it. Raises UsageError as `weigh` does."""
    where, known = f"model.parameters.{key}", f"the classes are {', '.join(map(str, classes[:10]))}"
    if isinstance(given, (list, tuple)):
        example = ", ".join(f"{label} = 0.5" for label in classes[:2]) if key in PRIORS else f"{classes[-1]} = 5.0"
        raise UsageError(f"{where} holds a list of places; name the classes, as {key} = {{ {example} }}", known)
    if not isinstance(given, Mapping):
        if key == POSITIVE and len(classes) == 2 and positive == classes[0] and given != 1:
            told = f"{where} would weigh '{classes[1]}', but the positive class is '{positive}'"
            raise UsageError(told, f"name the class: {key} = {{ {positive} = {given} }}")
        return given
    found: dict[Any, Any] = {}
    for text, value in given.items():
        label = class_of(str(text), classes)
        if label is None:
            near = did_you_mean(str(text), [str(each) for each in classes])
            raise UsageError(f"{where} names '{text}', which is no class of the target{near}", known)
        found[label] = value
    if key in WEIGHTS:
        return {classes.index(label) if numbered else label: value for label, value in found.items()}
    if key == POSITIVE:
        if len(classes) > 2:
            raise UsageError(f"{where} is for two classes, and the target has {len(classes)}", f"use class_weight; {known}")
        return found.get(classes[-1], 1.0) / found.get(classes[0], 1.0)
    missing = [label for label in classes if label not in found]
    if missing:
        raise UsageError(f"{where} leaves out '{missing[0]}'", f"name every class; {known}")
    return [found[label] for label in classes]


def _is(value: Any, given: Any) -> bool:
    return type(value) is type(given) and bool(value == given)


def _of_columns(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that speak of columns; a word such as 'from_dtype' is the estimator's own, '(1,-1)' is none.

    Where columns are listed with truth values, as `{ plan = true, age = false }`, those that are true are yielded.
    """
    for key, value in parameters.items():
        if key not in (*BY_COLUMN, *COLUMNS, *GROUPS):
            continue
        if isinstance(value, (Mapping, list, tuple)) or isinstance(value, str) and any(sign.isdigit() for sign in value):
            if key in COLUMNS and isinstance(value, Mapping):
                value = [name for name, whether in value.items() if whether]
            yield key, value


def _named(key: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return []
    return [name for group in value for name in group] if key in GROUPS else list(value)


def _place(key: str, name: str, behind: Sequence[str]) -> int:
    """A ColumnTransformer writes the transformer's name and two underscores in front of a column's."""
    found = [place for place, each in enumerate(behind) if name in (each, each.partition("__")[2])]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"model.parameters.{key} names '{name}', which model.features.preprocessor makes into other columns",
        f"name one that it leaves as it is; behind it stand {', '.join(behind[:10])}",
    )
