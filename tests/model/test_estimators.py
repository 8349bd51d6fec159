"""The example's second estimator: built from schema, seed and parameters, and fitted as a whole."""

from __future__ import annotations

import numpy as np

from gateline.contracts import schema as schemas
from model.estimators import logistic


def test_it_fits_rows_as_they_are_and_takes_parameters() -> None:
    columns = [
        {"name": "origin", "dtype": "string"},
        {"name": "delay", "dtype": "number"},
        {"name": "y", "dtype": "integer"},
    ]
    schema = schemas.parse({"columns": columns, "target": "y"})
    chance = np.random.default_rng(0)
    rows = np.empty((100, 2), dtype=object)
    rows[:, 0], rows[:, 1] = chance.choice(["a", "b"], 100), chance.normal(0, 1, 100)
    rows[::10, 1] = np.nan
    labels = (np.nan_to_num(rows[:, 1].astype(float)) > 0).astype(int)
    estimator = logistic(schema, seed=1, C=10.0).fit(rows, labels)
    assert estimator.score(rows, labels) > 0.9
    assert estimator[-1].get_params()["C"] == 10.0
    assert estimator[-1].get_params()["random_state"] == 1
