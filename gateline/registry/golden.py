"""Golden rows in every company: what a row is answered depends neither on the rows beside it, nor on what was asked before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from gateline.contracts.manifest import GOLDEN_CROWD, GOLDEN_TOLERANCE
from gateline.registry.loaded import LoadedModel

Rows = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]

WAYS: Mapping[str, Callable[[LoadedModel, Rows], Scores]] = {
    "once more": lambda model, rows: model.score(rows),
    "in reverse order": lambda model, rows: model.score(rows[::-1])[::-1],
    "one at a time": lambda model, rows: np.concatenate([model.score(row[np.newaxis]) for row in rows]),
    "among 1,000 rows": lambda model, rows: model.score(np.resize(rows, (GOLDEN_CROWD, rows.shape[1])))[: len(rows)],
}
"""How else the same rows are asked for; each returns their scores in the order of the rows."""


def apart(scores: Scores, recorded: Scores) -> npt.NDArray[np.float64]:
    """Return how far each row's scores are from the recorded ones, shape (n,): absolute, of scores above 1 relative.

    Infinite where one of them is no number. Both have the same shape.
    """
    with np.errstate(invalid="ignore"):
        gaps = (np.abs(scores - recorded) / np.maximum(1.0, np.abs(recorded))).max(axis=1)
    return np.where(np.isfinite(gaps), gaps, np.inf)


def unsteady(model: LoadedModel, rows: Rows, scores: Scores) -> str:
    """Return how a model answers rows otherwise than with `scores`, which it gave them as one batch; nothing where it does
    not.

    Raises whatever the estimator raises.
    """
    decided = model.decide(scores) if model.manifest.classes else []
    for way, ask in WAYS.items():
        again = ask(model, rows)
        if again.shape != scores.shape:
            return f"asked {way}, the golden rows get scores of shape {again.shape}, as a batch {scores.shape}"
        gaps = apart(again, scores)
        if (off := int((gaps > GOLDEN_TOLERANCE).sum())) > 0:
            told = f"asked {way}, {off} of {len(rows)} golden rows score otherwise than as a batch"
            return f"{told}, by up to {gaps.max():.3g}"
        if (others := sum(one != other for one, other in zip(model.decide(again), decided))) > 0:
            return f"asked {way}, {others} of {len(rows)} golden rows are decided otherwise than as a batch"
    return ""
