"""Rule `golden`: the model scores its golden rows as training recorded them, and means the same classes."""

from __future__ import annotations

import numpy as np

from contracts.verdict import Outcome, Rule, unknown
from validation.evidence import Evidence, Golden

NAME = "golden"
TOLERANCE = 1e-9
ADVICE = "the model, its classes or the code in model/ changed after training: train again"


def golden(evidence: Evidence) -> list[Rule]:
    """Judge that the golden rows score within 1e-9 as training recorded, with the same decisions and order of classes."""
    golden = evidence.golden
    if not len(golden.recorded):
        return [unknown(NAME, "the artifact holds no golden rows", next_step="train again")]
    rows = len(golden.recorded)
    reason = differs(golden)
    if reason:
        return [_rule(Outcome.FAIL, reason, _distance(golden), rows)]
    return [_rule(Outcome.PASS, f"all {rows} golden rows score as recorded", _distance(golden), rows)]


def differs(golden: Golden) -> str:
    """Return how a model differs from what training recorded of it, or nothing."""
    if not len(golden.recorded):
        return ""
    if golden.own_classes is not None and golden.own_classes != golden.classes:
        return "the estimator orders its classes otherwise than the manifest"
    if golden.recorded.shape != golden.scores.shape:
        return f"golden scores have shape {golden.scores.shape}, recorded is {golden.recorded.shape}"
    rows = len(golden.recorded)
    off = rows - int((np.abs(golden.scores - golden.recorded) <= TOLERANCE).all(axis=1).sum())
    if off:
        distance = _distance(golden)
        by = "no number" if distance is None else f"by up to {distance:.3g}"
        return f"{off} of {rows} golden rows score otherwise than recorded, {by}"
    pairs = zip(golden.recorded_predictions, golden.predictions, strict=False)
    others = sum(recorded != now for recorded, now in pairs)
    return f"{others} of {rows} golden rows are decided otherwise than recorded" if others else ""


def _distance(golden: Golden) -> float | None:
    if golden.recorded.shape != golden.scores.shape or not np.isfinite(golden.scores).all():
        return None
    return float(np.abs(golden.scores - golden.recorded).max())


def _rule(outcome: Outcome, reason: str, distance: float | None, rows: int) -> Rule:
    advice = "" if outcome is Outcome.PASS else ADVICE
    return Rule(
        name=NAME, outcome=outcome, reason=reason, observed=distance, limit=TOLERANCE, sample=rows, next_step=advice
    )
