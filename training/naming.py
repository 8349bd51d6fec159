"""Parameters of an estimator that speak of columns and classes: by name in `pipeline.toml`, by place in the estimator.

What stands in front of an estimator orders the columns anew, so a place means nothing to who writes the settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from contracts.labels import class_of
from contracts.schema import Schema
from settings import Model
from settings.errors import UsageError, did_you_mean, explain

BY_COLUMN = ("monotonic_cst", "monotone_constraints")
"""Parameters that hold a number for each column: `{ age = 1 }`; columns that are not named have 0."""
COLUMNS = ("categorical_features", "categorical_feature", "cat_features")
"""Parameters that list columns: `["plan"]`."""
GROUPS = ("interaction_cst", "interaction_constraints")
"""Parameters that list groups of columns: `[["age", "plan"], ["spend"]]`."""
WEIGHTS = "class_weight"
"""A number for each class: `{ yes = 5.0 }`; classes that are not named have 1."""


def refuse_places(model: Model, schema: Schema) -> None:
    """Raise UsageError where a parameter that speaks of columns names places, or columns that are no features."""
    names = [column.name for column in schema.features]
    for key, value in _of_columns(model.parameters):
        where = f"model.parameters.{key}"
        if key in BY_COLUMN and not isinstance(value, Mapping):
            number = next((column.name for column in schema.features if column.dtype != "string"), names[0])
            example = f"{key} = {{ {number} = 1 }}"
            raise UsageError(f"{where} holds a list of places; name the columns, as {example}", _known(names))
        for name in _named(key, value):
            if not isinstance(name, str):
                raise UsageError(f"{where} holds the place {name!r}; name the column", _known(names))
            if name not in names:
                raise UsageError(f"{where} names '{name}', which is no feature{did_you_mean(name, names)}", _known(names))


def handed_on(model: Model, estimator: Any, schema: Schema) -> Model:
    """Return the settings with those parameters alone that speak of columns and reach the last step of a pipeline as they are.

    Of what a function builds: other names than those of features are for it to know.
    """
    steps = getattr(estimator, "steps", [])
    held = steps[-1][1].get_params(deep=False) if len(steps) > 1 and hasattr(steps[-1][1], "get_params") else {}
    names = {column.name for column in schema.features}
    given = model.parameters
    kept = {key for key, value in held.items() if key in given and type(value) is type(given[key]) and value == given[key]}
    found = {key: value for key, value in _of_columns(given) if key in kept}
    for key in list(found):
        if any(isinstance(name, str) and name not in names for name in _named(key, found[key])):
            del found[key]
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
    return {key: _placed(key, value, behind) for key, value in found.items()}


def weighted(model: Model, classes: Sequence[Any], numbered: bool) -> dict[str, Any]:
    """Return `class_weight` by the labels, or by their numbers. Raises UsageError for places, and for what is no class."""
    weights = model.parameters.get(WEIGHTS)
    if isinstance(weights, (list, tuple)) and ":" not in model.estimator:
        raise UsageError(
            f"model.parameters.{WEIGHTS} holds a list of places; name the classes, as {WEIGHTS} = {{ {classes[-1]} = 5.0 }}",
            f"the classes are {', '.join(map(str, classes[:10]))}",
        )
    if not isinstance(weights, Mapping):
        return {}
    found: dict[Any, Any] = {}
    for text, weight in weights.items():
        label = class_of(str(text), classes)
        if label is None:
            known = [str(each) for each in classes]
            raise UsageError(
                f"model.parameters.{WEIGHTS} names '{text}', which is no class of the target{did_you_mean(str(text), known)}",
                f"the classes are {', '.join(known[:10])}",
            )
        found[list(classes).index(label) if numbered else label] = weight
    return {WEIGHTS: found}


def weigh(estimator: Any, model: Model, classes: Sequence[Any], numbered: bool) -> None:
    """Give `class_weight` by the labels to each part of an estimator that holds it as the settings have it."""
    weights = weighted(model, classes, numbered)
    held = estimator.get_params() if weights and hasattr(estimator, "get_params") else {}
    given = model.parameters.get(WEIGHTS)
    given_to = [name for name, value in held.items() if isinstance(value, Mapping) and value == given]
    names = [name for name in given_to if name.rpartition("__")[2] == WEIGHTS]
    if names:
        estimator.set_params(**dict.fromkeys(names, weights[WEIGHTS]))


def _of_columns(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that speak of columns; a word such as 'from_dtype' is the estimator's own.

    Where columns are listed with truth values, as `{ plan = true, age = false }`, those that are true are yielded.
    """
    for key, value in parameters.items():
        if key in (*BY_COLUMN, *COLUMNS, *GROUPS) and isinstance(value, (Mapping, list, tuple)):
            if key in COLUMNS and isinstance(value, Mapping):
                value = [name for name, whether in value.items() if whether]
            yield key, value


def _named(key: str, value: Any) -> list[Any]:
    return [name for group in value for name in group] if key in GROUPS else list(value)


def _placed(key: str, value: Any, behind: Sequence[str]) -> Any:
    if key in BY_COLUMN:
        numbers = {_place(key, name, behind): number for name, number in value.items()}
        return tuple(numbers.get(place, 0) for place in range(len(behind)))
    if key in COLUMNS:
        return [_place(key, name, behind) for name in value]
    return [[_place(key, name, behind) for name in group] for group in value]


def _place(key: str, name: str, behind: Sequence[str]) -> int:
    """A ColumnTransformer writes the transformer's name and two underscores in front of a column's."""
    found = [place for place, each in enumerate(behind) if name in (each, each.partition("__")[2])]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"model.parameters.{key} names '{name}', which model.features.preprocessor makes into other columns",
        f"name one that it leaves as it is; behind it stand {', '.join(behind[:10])}",
    )


def _known(names: Sequence[str]) -> str:
    return f"the features are {', '.join(names[:20])}"
