"""LightGBM's objectives: those that are written out, and those that are left to it, each with its reason."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from benchmarks.zoo import filled, fitted, light, table
from infra.releases.fast_path.drawing import as_rows, draw
from infra.releases.fast_path.generating import written
from infra.releases.fast_path.parity import Parity, loaded
from infra.releases.fast_path.writer import NotCoveredError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere LightGBM needs a library of the system's")


def model(kind: str, **options: Any) -> Any:
    """Return a fitted model; a regressor's labels are positive, as some objectives want them."""
    data = table("regression" if kind == "LGBMRegressor" else "many classes" if "multi" in str(options) else "binary")
    labels = np.abs(data.labels) / 1000.0 + 0.1 if kind == "LGBMRegressor" else data.labels
    return fitted(type(data)(data.name, data.schema, data.rows, labels), filled, light(kind, **options))


@pytest.mark.parametrize("objective", ["regression_l1", "huber", "quantile", "poisson", "gamma", "tweedie"])
def test_a_regressors_objectives_score_as_lightgbm_does(objective: str) -> None:
    one = model("LGBMRegressor", objective=objective)
    scorer = written(one)
    parity = Parity(one, loaded(scorer.text))
    parity.compare("drawn", as_rows(draw(one.schema, scorer, 7, 600)))
    assert parity.worst <= 1e-9 and parity.compared["drawn"] >= 600


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("LGBMClassifier", {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}, "its trees are a forest"),
        ("LGBMRegressor", {"linear_tree": True}, "its leaves are linear models"),
        ("LGBMRegressor", {"reg_sqrt": True}, "its objective is regression of square roots"),
        ("LGBMClassifier", {"zero_as_missing": True}, "it takes zeros as missing"),
        ("LGBMClassifier", {"objective": "multiclassova"}, "its objective is multiclassova"),
    ],
)
def test_what_is_left_to_lightgbm_says_why(kind: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(NotCoveredError, match=why):
        written(model(kind, **options))
