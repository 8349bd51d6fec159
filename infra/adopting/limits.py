"""A first model, and the limits that it is judged by: proposed from its own figures, all there to be edited."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

ROOM = 0.1
"""How far below the first model's value a limit is proposed, or how far above for an error, as a share of it."""
MARGIN = 0.02
FEW_POSITIVES = 0.45
"""On n positives, four of five equal models are shown to lose less average precision than this by the root of n (measured:
`benchmarks/few_positives.py` of the template)."""
WORSE = 0.05
PROPOSED = "a proposal, from the first model: edit it"
LOWEST = {"binary": ("roc_auc",), "rare": ("average_precision", "recall_at_fpr"), "many": ("f1",), "number": ("r2",)}
PRIMARY = {"binary": "roc_auc", "rare": "average_precision", "many": "log_loss", "number": "rmse"}
MINIMIZED = ("log_loss", "rmse")
ESTIMATORS = {"classification": "HistGradientBoostingClassifier", "regression": "HistGradientBoostingRegressor"}


def model_settings(kind: str, task: str) -> dict[str, Any]:
    """Return the settings of model and metrics, by dotted key; None removes what was the example's.

    `kind` is what is predicted: `binary`, `rare` (few positives), `many` or `number`.
    """
    return {
        "model.estimator": f"sklearn.ensemble.{ESTIMATORS[task]}",
        "metrics.primary": PRIMARY[kind],
        "metrics.direction": "minimize" if PRIMARY[kind] in MINIMIZED else "maximize",
        "metrics.custom": None,
        "gates.model": {},
    }


def limits_of(kind: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the limits of `[gates.model]` that the first model keeps with some room."""
    lowest = {name: math.floor(100 * metrics[name] * (1 - ROOM)) / 100 for name in LOWEST[kind] if name in metrics}
    limits = {f"min_{name}": value for name, value in lowest.items() if value > 0}
    errors = {f"max_{name}": float(f"{metrics[name] * (1 + ROOM):.3g}") for name in MINIMIZED if name == PRIMARY[kind]}
    return limits | errors


def margin_of(kind: str, positives: float) -> float:
    """Return `gates.model.margin`: two points of a score; of an error, the share of the champion's that it is relative to.

    Where few of the test rows are positive, it is no less than what can be shown on as many.
    """
    if PRIMARY[kind] in MINIMIZED:
        return WORSE
    shown = math.ceil(100 * FEW_POSITIVES / math.sqrt(max(positives, 1.0))) / 100 if kind == "rare" else 0.0
    return max(MARGIN, shown)


def margin_is(kind: str) -> str:
    """Return what stands beside a margin: what it says, and in what it is counted."""
    primary = PRIMARY[kind]
    unit = f"as a share of its {primary}" if primary in MINIMIZED else f"in points of {primary}"
    return f"how much worse than the champion a candidate may be, {unit}: edit it"
