"""Golden rows: made from the schema, scored once, and asked again wherever the model runs."""

from __future__ import annotations

from typing import Any

from contracts import samples
from registry.loaded import LoadedModel
from registry.rows import encode
from settings.errors import UsageError
from training.estimators import explain

ROWS = 20
SEED = 20_130_101


def golden_of(model: LoadedModel) -> dict[str, Any]:
    """Return rows (JSON values in schema order), their scores of shape (n, classes) or (n, 1), and what is decided from them.

    Raises UsageError where the model cannot score a row that its own schema allows.
    """
    rows = samples.rows(model.schema, ROWS, SEED)
    try:
        scores = model.score(encode(rows, model.schema))
    except Exception as error:
        raise UsageError(
            f"the model cannot score rows that the schema allows: {explain(error)}",
            "narrow the schema (categories, range, nullable), or let the features take such values",
        ) from error
    return {"rows": rows, "scores": scores.tolist(), "predictions": model.decide(scores)}
