"""The absolute limits of a model's metrics: from the settings, overridden on the command line. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateline.settings import METRICS, Metrics, ModelGate
from gateline.settings.errors import UsageError, did_you_mean

Bound = Literal["min", "max"]
REGRESSION_METRICS = ("mae", "rmse", "r2")
CLASSIFICATION_METRICS = tuple(name for name in METRICS if name not in REGRESSION_METRICS)
SHARES = tuple(name for name in CLASSIFICATION_METRICS if name != "log_loss")
"""Metrics that lie between 0 and 1."""


@dataclass(frozen=True)
class Limit:
    """One limit of one metric."""

    metric: str
    bound: Bound
    value: float

    @property
    def name(self) -> str:
        """The key that sets it, as in `min_accuracy`."""
        return f"{self.bound}_{self.metric}"

    @property
    def key(self) -> str:
        """Where it stands under `[gates.model]`: `min_accuracy`, or `custom_min.cost` for a metric of one's own."""
        return self.name if self.metric in METRICS else f"custom_{self.bound}.{self.metric}"


def limits_of(
    gate: ModelGate, metrics: Metrics, task: str, flags: Mapping[str, float] | None = None
) -> tuple[Limit, ...]:
    """Return the limits of a gate, with `flags` (`{"min_accuracy": 0.9}`) in place of those of the same name.

    Raises UsageError for a limit that no value can meet or miss, and for a metric that the task (`classification` or
    `regression`) does not have.
    """
    values = _in_settings(gate) | dict(flags or {})
    known = metrics_of(task, metrics)
    limits = tuple(_limit(name, value) for name, value in values.items())
    for limit in limits:
        if limit.metric not in known:
            raise UsageError(
                f"{limit.name}: '{limit.metric}' is no metric of a {task} model{did_you_mean(limit.metric, known)}",
                f"limit one of {', '.join(known)}",
            )
        _refuse_impossible(limit)
    return limits


def metrics_of(task: str, metrics: Metrics) -> tuple[str, ...]:
    """Return the names of the metrics of `classification` or `regression`, the user's own last."""
    custom = tuple(name for name in metrics.known_names() if name not in METRICS)
    return (REGRESSION_METRICS if task == "regression" else CLASSIFICATION_METRICS) + custom


def _in_settings(gate: ModelGate) -> dict[str, float]:
    names = (f"{bound}_{metric}" for metric in METRICS for bound in ("min", "max"))
    found = {name: getattr(gate, name, None) for name in names}
    own = {f"min_{name}": value for name, value in gate.custom_min.items()}
    own |= {f"max_{name}": value for name, value in gate.custom_max.items()}
    return {name: value for name, value in found.items() if value is not None} | own


def _limit(name: str, value: float) -> Limit:
    bound, _, metric = name.partition("_")
    return Limit(metric, "min" if bound == "min" else "max", value)


def _refuse_impossible(limit: Limit) -> None:
    allowed = ""
    if not math.isfinite(limit.value):
        allowed = "a number"
    elif limit.metric in SHARES and not 0.0 <= limit.value <= 1.0:
        allowed = "0 to 1"
    elif limit.metric == "r2" and limit.value > 1.0:
        allowed = "at most 1"
    elif limit.metric in ("mae", "rmse", "log_loss") and limit.value < 0.0:
        allowed = "0 or more"
    if allowed:
        raise UsageError(f"{limit.name} is {limit.value:g}; allowed: {allowed}", "correct that limit")
