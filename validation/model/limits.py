"""The absolute limits of a model's metrics: from the settings, overridden on the command line. Imports nothing heavy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateline.settings import METRICS, Metrics, ModelGate
from gateline.settings.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Limit:
    """One limit of one metric."""

    metric: str
    bound: Literal["min", "max"]
    value: float

    @property
    def name(self) -> str:
        return f"{self.bound}_{self.metric}"

    @property
    def key(self) -> str:
        """Where it stands under `[gates.model]`: `min_accuracy`, or `custom_min.cost` for a metric of one's own."""
        return self.name if self.metric in METRICS else f"custom_{self.bound}.{self.metric}"

    def refuse_impossible(self) -> None:
        """Raise UsageError for a limit that no value can meet or miss."""
        allowed = ""
        if not math.isfinite(self.value):
            allowed = "a number"
        elif self.metric in METRICS and not METRICS[self.metric].least <= self.value <= METRICS[self.metric].most:
            least, most = METRICS[self.metric].least, METRICS[self.metric].most
            allowed = f"{least:g} or more" if math.isinf(most) else f"{least:g} to {most:g}"
            allowed = f"at most {most:g}" if math.isinf(least) else allowed
        if allowed:
            raise UsageError(f"{self.name} is {self.value:g}; allowed: {allowed}", "correct that limit")


def limits_of(
    gate: ModelGate, metrics: Metrics, task: str, flags: Mapping[str, float] | None = None
) -> tuple[Limit, ...]:
    """Return the limits of a gate, with `flags` (`{"min_accuracy": 0.9}`) in place of those of the same name.

    Raises UsageError for a limit that no value can meet or miss, and for a metric that the task (`classification` or
    `regression`) does not have.
    """
    names = [f"{bound}_{metric}" for metric in METRICS for bound in ("min", "max")]
    values = {name: value for name in names if (value := getattr(gate, name, None)) is not None}
    values |= {f"min_{name}": value for name, value in gate.custom_min.items()}
    values |= {f"max_{name}": value for name, value in gate.custom_max.items()}
    known = metrics.names(task)
    limits = []
    for key, value in (values | dict(flags or {})).items():
        bound, _, metric = key.partition("_")
        limits.append(Limit(metric, "min" if bound == "min" else "max", value))
        if metric not in known:
            raise UsageError(
                f"{key}: '{metric}' is no metric of a {task} model{did_you_mean(metric, known)}",
                f"limit one of {', '.join(known)}",
            )
        limits[-1].refuse_impossible()
    return tuple(limits)
