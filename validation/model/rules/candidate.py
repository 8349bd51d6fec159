"""Rules on the candidate alone: `limits`, `baseline` (better than a constant answer), `golden` (as training recorded it)."""

import numpy as np

from gateline.contracts.manifest import GOLDEN_TOLERANCE
from gateline.contracts.verdict import Outcome, Rule, at_least, at_most, ruled, unknown
from validation.metrics import constant
from validation.model.case import ModelCase
from validation.model.limits import Limit

MORE_ROWS = "add labelled rows to data.test"
OTHER_DATA = "see that features and target belong together, then train again"
AGAIN = "the model, its classes or the code in model/ changed after training: train again"
ALONE = "let the model answer each row by itself, learn what it needs in fit, and train again"


def limits(case: ModelCase) -> list[Rule]:
    """Judge each metric by its limit (`min_<metric>`, `max_<metric>`, `custom_min`, `custom_max`), on at least `min_rows`."""
    if not case.limits:
        advice = "set one under [gates.model], as min_accuracy = 0.85 (regression: max_mae = 3.0)"
        return [unknown("limits", "no limit is set", next_step=advice)]
    return [_limit(limit, case) for limit in case.limits]


def _limit(limit: Limit, case: ModelCase) -> Rule:
    rows, observed = len(case.candidate), case.metrics.get(limit.metric)
    if case.too_few or observed is None:
        reason = case.too_few or f"{limit.metric} is not defined on these {rows:,} rows"
        advice = "see that every class of the target stands in the test data, and no other"
        if limit.metric in case.settings.custom_names():
            advice = "let this metric of your own return a finite number for them"
        advice = f"{MORE_ROWS}, or lower gates.model.min_rows" if case.too_few else advice
        return unknown("limits", reason, subject=limit.metric, sample=rows, limit=limit.value, next_step=advice)
    compare = at_least if limit.bound == "min" else at_most
    rule = compare("limits", observed, limit.value, subject=limit.metric, sample=rows)
    advice = f"improve the model or its data; the limit is gates.model.{limit.key}"
    return rule if rule.outcome is Outcome.PASS else rule.model_copy(update={"next_step": advice})


def baseline(case: ModelCase) -> list[Rule]:
    """Judge that `metrics.primary` beats the best constant answer (class shares and majority class, or the mean), not by
    chance.

    A constant model fails; one whose lead could be chance at the gate's confidence is inconclusive.
    """
    candidate, name = case.candidate, case.settings.primary
    facts: dict[str, object] = {"subject": name, "sample": len(candidate), "next_step": OTHER_DATA}
    if case.too_few:
        return [unknown("baseline", case.too_few, sample=len(candidate), next_step=MORE_ROWS)]
    if len(candidate) and (np.ptp(candidate.scores, axis=0) == 0).all():
        return [ruled("baseline", Outcome.FAIL, "the model says the same of every row", **facts)]
    found = case.against(constant(candidate))
    if found is None:
        return [unknown("baseline", f"{name} is not defined on these rows", sample=len(candidate))]
    facts |= {"observed": found.first, "limit": found.second}
    lead = f"{name} is {found.first:.6g}, a constant answer reaches {found.second:.6g}"
    if found.observed <= 0:
        return [ruled("baseline", Outcome.FAIL, lead, **facts)]
    if found.lower(case.gate.confidence) > 0:
        return [ruled("baseline", Outcome.PASS, lead, **facts | {"next_step": ""})]
    return [unknown("baseline", f"{lead}: the lead could be chance", **facts)]


def golden(case: ModelCase) -> list[Rule]:
    """Judge that the golden rows score as training recorded, within the tolerance, with the same decisions and order of
    classes, and that they do so in reverse order, one at a time, among 1,000 rows and when they are asked again."""
    golden, rows = case.golden, len(case.golden.recorded)
    if not rows:
        return [unknown("golden", "the artifact holds no golden rows", next_step="train again")]
    facts = {"limit": GOLDEN_TOLERANCE, "sample": rows}
    if reason := golden.differs():
        return [ruled("golden", Outcome.FAIL, reason, observed=golden.distance, next_step=AGAIN, **facts)]
    if golden.unsteady:
        return [ruled("golden", Outcome.FAIL, golden.unsteady, next_step=ALONE, **facts)]
    told = f"all {rows} golden rows score as recorded, alone and among others"
    return [ruled("golden", Outcome.PASS, told, observed=golden.distance, **facts)]
