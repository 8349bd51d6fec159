"""Precision and recall of each class: what a mean over all rows hides of a rare one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.plot import Plot
from validation.model.evidence import Evidence
from validation.scored import Floats, Scored

MOST = 30
"""Most classes that are shown; the weakest ones."""


def by_class(evidence: Evidence) -> Plot:
    """Return rows, precision and recall of each class that occurs, the lowest recall first, and a champion's recall."""
    scored = evidence.candidate
    precision, recall, rows = _of_each(scored)
    before = _champions_recall(evidence)
    against = ("recall of the champion",) if before else ()
    occurring = [place for place in np.argsort(recall, kind="stable") if rows[place]]
    left_out = f" The {MOST} weakest of {len(occurring)} classes." if len(occurring) > MOST else ""
    return Plot(
        title="Classes",
        kind="table",
        rows=tuple(str(scored.classes[place]) for place in occurring[:MOST]),
        columns=("rows", "precision", "recall", *against),
        cells=tuple(
            (
                f"{rows[place]:,}",
                float(precision[place]),
                float(recall[place]),
                *(before.get(scored.classes[place], "–") for _ in against),
            )
            for place in occurring[:MOST]
        ),
        note=f"Precision: of the rows called so, the share that is. Recall: of those that are, the share called so.{left_out}",
    )


def _champions_recall(evidence: Evidence) -> dict[Any, float]:
    champion = evidence.champion.scored
    return {} if champion is None else dict(zip(champion.classes, _of_each(champion)[1].tolist(), strict=True))


def _of_each(scored: Scored) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return precision, recall and rows, three arrays of shape (classes,)."""
    from sklearn.metrics import precision_recall_fscore_support

    places = range(len(scored.classes))
    found = precision_recall_fscore_support(scored.truth, scored.called, labels=places, zero_division=0.0)
    return found[0], found[1], found[3]
