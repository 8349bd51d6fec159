"""Rule `limits`: every metric stays within its absolute limit."""

from __future__ import annotations

from gateline.contracts.verdict import Outcome, Rule, at_least, at_most, unknown
from validation.model.evidence import Evidence
from validation.model.limits import Limit

NAME = "limits"
ROWS = "add labelled rows to data.test, or lower gates.model.min_rows"


def limits(evidence: Evidence) -> list[Rule]:
    """Judge each metric by its limit (`min_<metric>`, `max_<metric>`, `custom_min`, `custom_max`), on at least `min_rows`."""
    if not evidence.limits:
        advice = "set one under [gates.model], as min_accuracy = 0.85 (regression: max_mae = 3.0)"
        return [unknown(NAME, "no limit is set", next_step=advice)]
    return [_judge(limit, evidence) for limit in evidence.limits]


def _judge(limit: Limit, evidence: Evidence) -> Rule:
    rows = len(evidence.candidate)
    observed = evidence.metrics.get(limit.metric)
    if not evidence.enough_rows:
        reason = f"{rows:,} test rows, at least {evidence.gate.min_rows:,} are needed"
        return unknown(NAME, reason, subject=limit.metric, sample=rows, limit=limit.value, next_step=ROWS)
    if observed is None:
        reason = f"{limit.metric} is not defined on these {rows:,} rows"
        advice = "see that every class of the target stands in the test data, and no other"
        if limit.metric in evidence.settings.custom_names():
            advice = "let this metric of your own return a finite number for them"
        return unknown(NAME, reason, subject=limit.metric, sample=rows, limit=limit.value, next_step=advice)
    compare = at_least if limit.bound == "min" else at_most
    rule = compare(NAME, observed, limit.value, subject=limit.metric, sample=rows)
    advice = f"improve the model or its data; the limit is gates.model.{limit.key}"
    return rule if rule.outcome is Outcome.PASS else rule.model_copy(update={"next_step": advice})
