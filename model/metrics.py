"""Metrics of your own; `pipeline.toml` names them under `metrics.custom`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def late_precision(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """Return the share of flights called late that were late (0 if none was called late)."""
    called = y_pred == 1
    return float((y_true[called] == 1).mean()) if called.any() else 0.0
