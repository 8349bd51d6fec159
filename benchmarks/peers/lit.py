"""The model in LitServe. `MODEL` names the joblib file, `PORT` the port; `BATCH` is the largest batch."""

import os
from typing import Any

import joblib
import litserve
import pandas as pd


class Flights(litserve.LitAPI):
    """One model; rows that wait are scored together."""

    def setup(self, device: str) -> None:
        """Load."""
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, Any]) -> list[Any]:
        """Return a row."""
        return request["features"]

    def batch(self, inputs: list[list[Any]]) -> list[list[Any]]:
        """Keep rows as they are."""
        return inputs

    def unbatch(self, output: list[float]) -> list[float]:
        """Give each its own."""
        return output

    def predict(self, rows: list[Any]) -> Any:
        """Score one row, or a batch."""
        many = bool(rows) and isinstance(rows[0], list)
        frame = pd.DataFrame(rows if many else [rows], columns=self.model.feature_names_in_)
        scores = self.model.predict_proba(frame)[:, 1].tolist()
        return scores if many else scores[0]

    def encode_response(self, output: float) -> dict[str, float]:
        """Answer."""
        return {"probability": output}


if __name__ == "__main__":
    most = int(os.environ.get("BATCH", "1"))
    server = litserve.LitServer(Flights(max_batch_size=most, batch_timeout=0.002 if most > 1 else 0.0), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="error")
