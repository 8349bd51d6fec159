"""From the name of an estimator to an unfitted pipeline."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

from gateline.contracts.schema import Schema
from gateline.settings import Model
from gateline.settings.errors import UsageError, did_you_mean, explain
from training.naming import handed_on, refuse_places

HERE = "correct model.estimator in pipeline.toml"
CALIBRATE = (
    "wrap it in a function in model/estimators.py: "
    "make_pipeline(preprocessor(schema), CalibratedClassifierCV(<the estimator>)), and name it as model.estimators:<function>"
)


def build(model: Model, schema: Schema, task: str) -> Any:
    """Return the unfitted estimator that the settings name, fit for classification or regression.

    A class stands behind `model.features.preprocessor`; a function `module:name` builds the whole by itself.
    Raises UsageError for a module, name or parameter that is not there, and for an estimator that does not fit the task.
    """
    estimator = _by_function(model, schema) if ":" in model.estimator else _by_class(model, schema)
    _refuse_other_task(model.estimator, estimator, task)
    return estimator


def _by_class(model: Model, schema: Schema) -> Any:
    from sklearn.pipeline import make_pipeline

    module, _, name = model.estimator.rpartition(".")
    cls = _named(module, name)
    if not inspect.isclass(cls) or not hasattr(cls, "fit"):
        raise UsageError(
            f"model.estimator: '{model.estimator}' is not the class of an estimator",
            f"a function is named {module}:{name}",
        )
    refuse_places(model, schema)
    parameters = dict(model.parameters)
    if _takes_random_state(cls):
        parameters.setdefault("random_state", model.seed)
    return make_pipeline(_preprocessor(schema), _call(cls, model.estimator, parameters))


def _preprocessor(schema: Schema) -> Any:
    """Return what the copy's own code puts in front of an estimator that is named by its class."""
    function = _named("model.features", "preprocessor", "it is called as preprocessor(schema) and returns a transformer")
    try:
        return function(schema)
    except Exception as error:
        raise UsageError(
            f"model.features.preprocessor failed: {explain(error)}", "correct model/features.py, and train again"
        ) from error


def _by_function(model: Model, schema: Schema) -> Any:
    module, _, name = model.estimator.partition(":")
    function = _named(module, name)
    if not callable(function):
        raise UsageError(f"model.estimator: '{model.estimator}' is not a function", HERE)
    estimator = _call(function, model.estimator, {"schema": schema, "seed": model.seed, **model.parameters})
    refuse_places(handed_on(model, estimator, schema), schema)
    return estimator


def _takes_random_state(cls: Any) -> bool:
    try:
        return "random_state" in inspect.signature(cls).parameters
    except ValueError:
        return False


def _call(make: Any, name: str, parameters: dict[str, Any]) -> Any:
    _refuse_other_parameters(make, name, parameters)
    try:
        return make(**parameters)
    except Exception as error:
        advice = HERE if isinstance(error, (TypeError, ValueError)) else f"correct '{name}', or {HERE}"
        raise UsageError(f"model.estimator: '{name}' could not be made: {explain(error)}", advice) from error


def _refuse_other_parameters(make: Any, name: str, parameters: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(make)
    except ValueError:  # written in C without a signature: what it takes shows when it is called
        return
    try:
        signature.bind(**parameters)
    except TypeError as error:
        known = list(signature.parameters)
        unknown = next((key for key in parameters if key not in known), "")
        raise UsageError(
            f"model.parameters: '{name}': {error}{did_you_mean(unknown, known)}", f"it takes {', '.join(known)}"
        ) from None


def _named(module: str, name: str, advice: str = HERE) -> Any:
    found = _import(module)
    if hasattr(found, name):
        return getattr(found, name)
    known = [known for known in dir(found) if not known.startswith("_")]
    raise UsageError(f"model.estimator: module '{module}' has no '{name}'{did_you_mean(name, known)}", advice)


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if not f"{module}.".startswith(f"{missing}."):
            raise UsageError(
                f"model.estimator: '{module}' needs '{missing}', which is not installed", _group()
            ) from None
        raise UsageError(f"model.estimator: there is no module '{missing}'{_near_module(missing)}", HERE) from None
    except Exception as error:
        raise UsageError(
            f"model.estimator: '{module}' cannot be imported: {explain(error)}", "correct that module, and train again"
        ) from error


def _group() -> str:
    return "add it to the groups `train` and `service` in pyproject.toml and lock: nox -s lock"


def _near_module(missing: str) -> str:
    parent, _, name = missing.rpartition(".")
    if not parent:
        return did_you_mean(name, [module.name for module in pkgutil.iter_modules()])
    near = did_you_mean(name, [found.name for found in pkgutil.iter_modules(importlib.import_module(parent).__path__)])
    return near.replace("'", f"'{parent}.", 1)


def _refuse_other_task(name: str, estimator: Any, task: str) -> None:
    if not callable(getattr(estimator, "fit", None)):
        raise UsageError(f"model.estimator: '{name}' gave {type(estimator).__name__}, which has no fit", HERE)
    if _is_of(estimator, "regression" if task == "classification" else "classification"):
        kind = "a regressor" if task == "classification" else "a classifier"
        raise UsageError(f"model.estimator: '{name}' is {kind}, but project.task is {task}", "change one of the two")
    if task == "classification" and not hasattr(estimator, "predict_proba"):
        raise UsageError(
            f"model.estimator: '{name}' has no predict_proba, so nothing can be ranked or thresholded", CALIBRATE
        )


def _is_of(estimator: Any, task: str) -> bool:
    """An estimator that does not derive from scikit-learn's base says nothing of its kind."""
    from sklearn.base import is_classifier, is_regressor

    try:
        return bool(is_classifier(estimator) if task == "classification" else is_regressor(estimator))
    except AttributeError:
        return False
