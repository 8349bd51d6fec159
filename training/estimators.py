"""From the name of an estimator to an unfitted pipeline."""

import importlib
import inspect
import pkgutil
from typing import Any

from gateline.contracts.schema import Schema
from gateline.settings import Model
from gateline.settings.errors import UsageError, did_you_mean, explain
from training.parameters import handed_on, refuse_places

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
    if ":" in model.estimator:
        module, _, name = model.estimator.partition(":")
        function = _named(module, name)
        if not callable(function):
            raise UsageError(f"model.estimator: '{model.estimator}' is not a function", HERE)
        estimator = _call(function, model.estimator, {"schema": schema, "seed": model.seed, **model.parameters})
        refuse_places(handed_on(model, estimator, schema), schema)
    else:
        estimator = _by_class(model, schema)
    _refuse_other_task(model.estimator, estimator, task)
    return estimator


def _by_class(model: Model, schema: Schema) -> Any:
    from sklearn.pipeline import make_pipeline

    module, _, name = model.estimator.rpartition(".")
    cls = _named(module, name)
    if not inspect.isclass(cls) or not hasattr(cls, "fit"):
        told = f"model.estimator: '{model.estimator}' is not the class of an estimator"
        raise UsageError(told, f"a function is named {module}:{name}")
    refuse_places(model, schema)
    parameters, signature = dict(model.parameters), _signature(cls)
    if signature and "random_state" in signature.parameters:
        parameters.setdefault("random_state", model.seed)
    advice = "it is called as preprocessor(schema) and returns a transformer"
    preprocessor = _named("model.features", "preprocessor", advice)
    try:
        front = preprocessor(schema)
    except Exception as error:
        told = f"model.features.preprocessor failed: {explain(error)}"
        raise UsageError(told, "correct model/features.py, and train again") from error
    return make_pipeline(front, _call(cls, model.estimator, parameters))


def _signature(make: Any) -> inspect.Signature | None:
    """None for what is written in C without one: what it takes shows when it is called."""
    try:
        return inspect.signature(make)
    except ValueError:
        return None


def _call(make: Any, name: str, parameters: dict[str, Any]) -> Any:
    signature = _signature(make)
    try:
        if signature:
            signature.bind(**parameters)
    except TypeError as error:
        known = list(signature.parameters) if signature else []
        unknown = next((key for key in parameters if key not in known), "")
        told = f"model.parameters: '{name}': {error}{did_you_mean(unknown, known)}"
        raise UsageError(told, f"it takes {', '.join(known)}") from None
    try:
        return make(**parameters)
    except Exception as error:
        advice = HERE if isinstance(error, (TypeError, ValueError)) else f"correct '{name}', or {HERE}"
        raise UsageError(f"model.estimator: '{name}' could not be made: {explain(error)}", advice) from error


def _named(module: str, name: str, advice: str = HERE) -> Any:
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if not f"{module}.".startswith(f"{missing}."):
            told = f"model.estimator: '{module}' needs '{missing}', which is not installed"
            step = "add it to the groups `train` and `service` in pyproject.toml and lock: nox -s lock"
            raise UsageError(told, step) from None
        parent, _, last = missing.rpartition(".")
        path = importlib.import_module(parent).__path__ if parent else None
        near = did_you_mean(last, [each.name for each in pkgutil.iter_modules(path)])
        near = near.replace("'", f"'{parent}.", 1) if parent else near
        raise UsageError(f"model.estimator: there is no module '{missing}'{near}", HERE) from None
    except Exception as error:
        told = f"model.estimator: '{module}' cannot be imported: {explain(error)}"
        raise UsageError(told, "correct that module, and train again") from error
    if hasattr(found, name):
        return getattr(found, name)
    known = [known for known in dir(found) if not known.startswith("_")]
    raise UsageError(f"model.estimator: module '{module}' has no '{name}'{did_you_mean(name, known)}", advice)


def _refuse_other_task(name: str, estimator: Any, task: str) -> None:
    if not callable(getattr(estimator, "fit", None)):
        raise UsageError(f"model.estimator: '{name}' gave {type(estimator).__name__}, which has no fit", HERE)
    if _is_of(estimator, "regression" if task == "classification" else "classification"):
        kind = "a regressor" if task == "classification" else "a classifier"
        raise UsageError(f"model.estimator: '{name}' is {kind}, but project.task is {task}", "change one of the two")
    if task == "classification" and not hasattr(estimator, "predict_proba"):
        told = f"model.estimator: '{name}' has no predict_proba, so nothing can be ranked or thresholded"
        raise UsageError(told, CALIBRATE)


def _is_of(estimator: Any, task: str) -> bool:
    """An estimator that does not derive from scikit-learn's base says nothing of its kind."""
    from sklearn.base import is_classifier, is_regressor

    try:
        return bool(is_classifier(estimator) if task == "classification" else is_regressor(estimator))
    except AttributeError:
        return False
