"""The model in BentoML. `MODEL` names the joblib file; `BATCHED=1` lets calls that wait share one."""

import os
from typing import Any

import bentoml
import joblib
import numpy as np
import pandas as pd


@bentoml.service(workers=1, traffic={"timeout": 60})
class Flights:
    """One model."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api(batchable=os.environ.get("BATCHED") == "1", max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[list[Any]]) -> np.ndarray:
        """Return the probabilities of rows."""
        frame = pd.DataFrame(rows, columns=self.model.feature_names_in_)
        return self.model.predict_proba(frame)[:, 1]
