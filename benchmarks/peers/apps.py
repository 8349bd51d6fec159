"""Applications for uvicorn: a constant answer without and with FastAPI, and the naive app.

`MODEL` in the environment names the joblib file.
"""

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

ANSWER = b'{"prediction": 1, "probability": 0.5, "model_version": "20260101-0000000", "request_id": "0123456789abcdef"}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())],
}
BODY = {"type": "http.response.body", "body": ANSWER}


class Request(BaseModel):
    """One row in order."""

    features: list[float | str | None]


async def raw(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body and answer the same to everything: what uvicorn itself can do."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(START)
        await send(BODY)


def constant() -> FastAPI:
    """Return an application that checks the body with pydantic and answers the same to everything."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        return {"prediction": 1, "probability": 0.5, "model_version": "20260101-0000000", "request_id": "0123456789abcdef"}

    return app


def naive() -> FastAPI:
    """Return what most tutorials show: a synchronous endpoint, a joblib file, a DataFrame a request."""
    import joblib
    import pandas as pd

    app, model = FastAPI(), joblib.load(os.environ["MODEL"])

    @app.post("/predict")
    def predict(request: Request) -> dict[str, Any]:
        row = pd.DataFrame([request.features], columns=model.feature_names_in_)
        probability = float(model.predict_proba(row)[0, 1])
        return {"prediction": int(probability >= 0.5), "probability": probability}

    return app
