"""Rule `baseline`: the model is better than one that says the same of every row."""

from __future__ import annotations

import numpy as np

from gateline.contracts.verdict import Outcome, Rule, unknown
from validation.model.evidence import Evidence
from validation.model.paired import Difference
from validation.scored import Scored

NAME = "baseline"
ADVICE = "see that features and target belong together, then train again"


def baseline(evidence: Evidence) -> list[Rule]:
    """Judge that `metrics.primary` beats the best constant answer (class shares and majority class, or the mean), not by
    chance.

    A constant model fails; one whose lead could be chance at the gate's confidence is inconclusive.
    """
    candidate = evidence.candidate
    if not evidence.enough_rows:
        reason = f"{len(candidate):,} test rows, at least {evidence.gate.min_rows:,} are needed"
        return [unknown(NAME, reason, sample=len(candidate), next_step="add labelled rows to data.test")]
    if is_constant(candidate):
        return [_rule(Outcome.FAIL, "the model says the same of every row", evidence)]
    found = evidence.against(constant(candidate))
    if found is None:
        return [unknown(NAME, f"{evidence.settings.primary} is not defined on these rows", sample=len(candidate))]
    return [_judge(found, evidence)]


def constant(scored: Scored) -> Scored:
    """Return what the best constant model says of the same rows: every class by its share, or the mean."""
    rows = len(scored)
    if scored.task == "regression":
        mean = np.full(rows, scored.truth.mean())
        return Scored.of(scored.task, scored.y_true, mean.reshape(-1, 1), mean)
    counts = np.bincount(scored.truth[scored.truth < len(scored.classes)], minlength=len(scored.classes))
    shares = counts / max(counts.sum(), 1)
    label = scored.classes[int(counts.argmax())]
    return Scored.of(
        scored.task,
        scored.y_true,
        np.tile(shares, (rows, 1)),
        [label] * rows,
        scored.classes,
        scored.classes[scored.positive_column],
    )


def is_constant(scored: Scored) -> bool:
    """Say whether a model scores every row alike."""
    return len(scored) > 0 and bool((np.ptp(scored.scores, axis=0) == 0).all())


def _judge(found: Difference, evidence: Evidence) -> Rule:
    name, confidence = evidence.settings.primary, evidence.gate.confidence
    lead = f"{name} is {found.first:.6g}, a constant answer reaches {found.second:.6g}"
    if found.observed <= 0:
        return _rule(Outcome.FAIL, lead, evidence, found)
    if found.lower(confidence) > 0:
        return _rule(Outcome.PASS, lead, evidence, found)
    return _rule(Outcome.INCONCLUSIVE, f"{lead}: the lead could be chance", evidence, found)


def _rule(outcome: Outcome, reason: str, evidence: Evidence, found: Difference | None = None) -> Rule:
    return Rule(
        name=NAME,
        outcome=outcome,
        reason=reason,
        subject=evidence.settings.primary,
        observed=found.first if found else None,
        limit=found.second if found else None,
        sample=len(evidence.candidate),
        next_step="" if outcome is Outcome.PASS else ADVICE,
    )
