"""Golden rows: made from the schema, scored once, and asked again wherever the model runs."""

from __future__ import annotations

from typing import Any

from contracts import samples
from registry.golden import unsteady
from registry.loaded import LoadedModel
from registry.rows import encode
from settings.errors import UsageError, explain, next_step_of

ROWS = 20
SEED = 20_130_101
ALONE = "let the model answer each row by itself: what scales, ranks or fills gaps learns that in fit, not from rows to score"


def golden_of(model: LoadedModel) -> dict[str, Any]:
    """Return rows (JSON values in schema order), their scores of shape (n, classes) or (n, 1), and what is decided from them.

    Raises UsageError where the model cannot score a row that its own schema allows, gives it no probabilities, or answers it
    otherwise alone than among others, in another order or when it is asked again.
    """
    rows = samples.rows(model.schema, ROWS, SEED)
    encoded = encode(rows, model.schema)
    try:
        scores = model.score(encoded)
        flaw = model.flaw(scores, len(rows))
        moved = "" if flaw else unsteady(model, encoded, scores)
    except Exception as error:
        advice = "narrow the schema (categories, range, nullable), or let the features take such values"
        raise UsageError(
            f"the model cannot score rows that the schema allows: {explain(error)}", next_step_of(error, advice)
        ) from error
    if flaw:
        raise UsageError(f"of rows that the schema allows, {flaw}", "correct the estimator in model/, and train again")
    if moved:
        raise UsageError(f"golden: an answer depends on more than its own row: {moved}", ALONE)
    return {"rows": rows, "scores": scores.tolist(), "predictions": model.decide(scores)}
