"""What model rules judge: the candidate, the champion beside it, the golden rows, and the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.settings import Metrics, ModelGate
from gateline.settings.project import MINIMIZED
from validation.metrics import compute_all, measure
from validation.model.limits import Limit
from validation.model.paired import RESAMPLES, Difference, difference
from validation.scored import Floats, Scored


@dataclass(frozen=True)
class Champion:
    """The model in production. Without `scored` it could not be compared: `reason` says why."""

    version: str = ""
    scored: Scored | None = None
    reason: str = ""
    next_step: str = ""
    accepted: bool = False
    """Whether somebody vouched for it by hand, so that the candidate may go on without a comparison."""
    same: bool = False
    """Whether it is the candidate itself."""
    asked: bool = False
    """Whether it was named on the command line, so that a comparison with it is what was asked for."""


@dataclass(frozen=True)
class Golden:
    """Golden rows as they were recorded by training, and as they are scored now."""

    recorded: Floats
    scores: Floats
    recorded_predictions: tuple[Any, ...]
    predictions: tuple[Any, ...]
    classes: tuple[Any, ...] = ()
    """Of the manifest."""
    own_classes: tuple[Any, ...] | None = None
    """Of the estimator itself, where it has them."""
    unsteady: str = ""
    """How answers depend on the rows beside them, or on what was asked before; nothing where they do not."""


@dataclass(frozen=True)
class Source:
    """The test rows that the candidate scored, shape (n, features), with their names, and how it scores others like them."""

    rows: npt.NDArray[np.object_]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    """The names of the columns of numbers."""
    scored: Callable[[npt.NDArray[np.object_]], Scored]

    @cached_property
    def matrix(self) -> Floats:
        """The columns of numbers, shape (n, numbers), NaN for missing."""
        return self.rows[:, [self.names.index(name) for name in self.numbers]].astype(np.float64)


@dataclass(frozen=True)
class Evidence:
    """Everything that one run of the gate looks at."""

    candidate: Scored
    golden: Golden
    gate: ModelGate
    settings: Metrics
    limits: tuple[Limit, ...] = ()
    champion: Champion = field(default_factory=Champion)
    source: Source | None = None
    """None where what was scored is all that is known."""

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The candidate's metrics."""
        return compute_all(self.candidate, self.settings)

    @cached_property
    def champion_metrics(self) -> dict[str, float]:
        """The champion's metrics on the same rows; empty where it could not be scored."""
        return compute_all(self.champion.scored, self.settings) if self.champion.scored else {}

    @property
    def enough_rows(self) -> bool:
        """Whether there are as many test rows as the gate asks for."""
        return len(self.candidate) >= self.gate.min_rows

    def against(self, other: Scored, name: str = "") -> Difference | None:
        """Compare the candidate with another model by a metric: the primary, where none is named."""
        return compare(name or self.settings.primary, self.candidate, other, self.settings)


def compare(name: str, one: Scored, other: Scored, settings: Metrics, resamples: int = RESAMPLES) -> Difference | None:
    """Return how much better a metric of one model is than of another, on the same rows; a log loss that is not the primary
    metric with the floor of `Scored.floored`."""
    primary = settings.primary
    if name == "log_loss" != primary:
        one, other = one.floored(), other.floored()
    direction = settings.direction if name == primary else "minimize" if name in MINIMIZED else "maximize"
    return difference(lambda rows: measure(name, rows, settings), one, other, direction, resamples=resamples)
