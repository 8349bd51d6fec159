"""Rule `golden`: the model scores its golden rows as training recorded them, and means the same classes."""

from __future__ import annotations

import numpy as np

from gateline.contracts.manifest import GOLDEN_TOLERANCE
from gateline.contracts.verdict import Outcome, Rule, unknown
from gateline.registry.loaded import apart
from validation.model.evidence import Evidence, Golden

NAME = "golden"
ADVICE = "the model, its classes or the code in model/ changed after training: train again"
ALONE = "let the model answer each row by itself, learn what it needs in fit, and train again"


def golden(evidence: Evidence) -> list[Rule]:
    """Judge that the golden rows score within 1e-9 as training recorded, with the same decisions and order of classes, and
    that they do so in reverse order, one at a time, among 1,000 rows and when they are asked again."""
    golden = evidence.golden
    if not len(golden.recorded):
        return [unknown(NAME, "the artifact holds no golden rows", next_step="train again")]
    rows = len(golden.recorded)
    reason = differs(golden)
    if reason:
        return [_rule(Outcome.FAIL, reason, _distance(golden), rows, ADVICE)]
    if golden.unsteady:
        return [_rule(Outcome.FAIL, golden.unsteady, None, rows, ALONE)]
    told = f"all {rows} golden rows score as recorded, alone and among others"
    return [_rule(Outcome.PASS, told, _distance(golden), rows)]


def differs(golden: Golden) -> str:
    """Return how a model differs from what training recorded of it, or nothing."""
    if not len(golden.recorded):
        return ""
    numbers = tuple(range(len(golden.classes)))
    numbered = golden.own_classes == numbers and set(golden.classes) != set(numbers)  # it was fitted to these, not to labels
    if golden.own_classes is not None and golden.own_classes != golden.classes and not numbered:
        return "the estimator orders its classes otherwise than the manifest"
    if golden.recorded.shape != golden.scores.shape:
        return f"golden scores have shape {golden.scores.shape}, recorded is {golden.recorded.shape}"
    rows = len(golden.recorded)
    off = int((apart(golden.scores, golden.recorded) > GOLDEN_TOLERANCE).sum())
    if off:
        distance = _distance(golden)
        by = "no number" if distance is None else f"by up to {distance:.3g}"
        return f"{off} of {rows} golden rows score otherwise than recorded, {by}"
    pairs = zip(golden.recorded_predictions, golden.predictions) if golden.classes else ()
    others = sum(recorded != now for recorded, now in pairs)
    return f"{others} of {rows} golden rows are decided otherwise than recorded" if others else ""


def _distance(golden: Golden) -> float | None:
    if golden.recorded.shape != golden.scores.shape or not np.isfinite(golden.scores).all():
        return None
    return float(apart(golden.scores, golden.recorded).max())


def _rule(outcome: Outcome, reason: str, distance: float | None, rows: int, advice: str = "") -> Rule:
    return Rule(
        name=NAME,
        outcome=outcome,
        reason=reason,
        observed=distance,
        limit=GOLDEN_TOLERANCE,
        sample=rows,
        next_step=advice,
    )
