"""Rules `champion_digest` and `noninferiority`: the candidate against the model in production."""

from collections.abc import Iterator

import numpy as np

from gateline.contracts.verdict import Outcome, Rule, ruled, unknown
from gateline.settings.project import Metrics
from validation.metrics import Task
from validation.model.artifacts import GONE
from validation.model.case import ModelCase

NAME = "noninferiority"
FIRST = "there is no champion: this is the first model, recorded as such"
SAME = "the candidate is the champion: a comparison says nothing"
MORE_ROWS = "add labelled rows to data.test"
FEWEST_ANSWERS = 10
"""Rows of which the champion answers a class: an equal model answers it for none once in 20,000 times (Poisson)."""
FAR = 0.5
"""A candidate is far above the champion where it takes away more than this share of what the champion gets wrong."""


def champion_digest(case: ModelCase) -> list[Rule]:
    """Judge that two different artifacts are compared. A comparison with itself that was asked for holds the pipeline."""
    champion = case.champion
    if champion.same:
        advice = "name another --champion, or train a candidate" if champion.asked else ""
        return [unknown("champion_digest", SAME, required=champion.asked, subject=champion.version, next_step=advice)]
    if not champion.version or champion.version == GONE:
        return [unknown("champion_digest", champion.reason or FIRST)]
    reason = f"candidate and champion {champion.version} are different artifacts"
    return [Rule(name="champion_digest", outcome=Outcome.PASS, reason=reason, subject=champion.version)]


def noninferiority(case: ModelCase) -> list[Rule]:
    """Judge, one-sided at `confidence`, that `metrics.primary` is at most `margin` worse than the champion's on the same
    rows, and a proper score (log loss; of numbers the other of squared and absolute error) at most `proper_margin`; and that
    every class that the champion predicts is predicted. Required where there is a champion, compared or not, but for one
    that `accept_champion` names.

    Shown: pass. Significantly below: fail. Neither: inconclusive, and required, since there is a champion to compare with.
    """
    champion, primary = case.champion, case.settings.primary
    if champion.same or not champion.version:
        return [unknown(NAME, SAME if champion.same else FIRST, subject=primary)]
    if champion.scored is None:
        told = champion.reason + ("; accepted by hand" if champion.accepted else "")
        held, step = not champion.accepted, champion.next_step
        return [unknown(NAME, told, subject=primary, required=held, next_step=step)]
    if case.too_few:
        return [unknown(NAME, case.too_few, required=True, subject=primary, next_step=MORE_ROWS)]
    names = compared(case.candidate.task, case.settings)
    return [*(_compare(name, case) for name in names), *_never_answered(case)]


def compared(task: Task, metrics: Metrics) -> tuple[str, ...]:
    """Return the metrics that two models are compared by: the primary, and a proper score where that is none itself.

    A ranking says nothing of probabilities, and a share of right answers nothing of how sure they are; the log loss is
    smallest for the true probabilities (Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007). The squared
    error is least for the mean and the absolute for the median: a model that is good by one alone is good at a part of the
    rows alone.
    """
    proper = ("mae" if metrics.primary == "rmse" else "rmse") if task == "regression" else "log_loss"
    return (metrics.primary,) if metrics.primary == proper else (metrics.primary, proper)


def far_above(case: ModelCase) -> str:
    """Return a warning where the primary metric is shown to be far above the champion's, or ''."""
    if case.champion.scored is None or case.champion.same or case.too_few:
        return ""
    name, minimized = case.settings.primary, case.settings.direction == "minimize"
    found = case.against(case.champion.scored)
    if found is None or (not minimized and found.second >= 1.0):
        return ""
    wrong = abs(found.second) if minimized else 1.0 - found.second
    if found.lower(case.gate.confidence) <= FAR * wrong:
        return ""
    return (
        f"warning: {name} is {found.first:.6g}, far above the champion's {found.second:.6g}: see that no feature is known "
        "only after the target, and that no test row was trained on"
    )


def _compare(name: str, case: ModelCase) -> Rule:
    """Few positives are a small sample, however many rows there are."""
    rows, champion, confidence = case.candidate, case.champion, case.gate.confidence
    found = case.against(champion.scored, name) if champion.scored is not None else None
    if found is None:
        reason = f"{name} is not defined for both on these rows"
        return unknown(NAME, reason, required=True, subject=name, next_step=MORE_ROWS)
    setting = "margin" if name == case.settings.primary else "proper_margin"
    margin = getattr(case.gate, setting) * (abs(found.second) if case.settings.minimized(name) else 1.0)
    lower, key = found.lower(confidence), f"gates.model.{setting}"
    told = (
        f"{name} is {found.first:.6g}, champion {champion.version} has {found.second:.6g}: "
        f"at worst {max(-lower, 0.0):.3g} worse (confidence {confidence:.3g}), allowed {margin:.3g}"
    )
    outcome, advice = Outcome.INCONCLUSIVE, f"{MORE_ROWS}, or widen {key}"
    if lower >= -margin:
        outcome, advice = Outcome.PASS, ""
    elif found.upper(confidence) < -margin:
        outcome, advice = Outcome.FAIL, f"improve the model; the margin is {key}"
    else:
        positives = int((rows.truth == rows.positive_column).sum()) if rows.task == "binary" else 0
        told += f": not shown on {len(rows):,} rows" + (f", {positives:,} of them positive" if rows.task == "binary" else "")
    facts = {"subject": name, "observed": lower, "limit": -margin, "sample": len(rows), "next_step": advice}
    return ruled(NAME, outcome, told, required=True, **facts)


def _never_answered(case: ModelCase) -> Iterator[Rule]:
    """Fail where the candidate answers a class for no test row, and the champion for some: no ranking shows that."""
    candidate, champion = case.candidate, case.champion.scored
    if champion is None or candidate.task == "regression" or candidate.classes != champion.classes:
        return
    size = len(candidate.classes)
    own, other = (np.bincount(scored.called, minlength=size)[:size] for scored in (candidate, champion))
    for at in np.flatnonzero((own == 0) & (other >= FEWEST_ANSWERS)):
        label, answers = candidate.classes[at], int(other[at])
        yield Rule(
            name=NAME,
            outcome=Outcome.FAIL,
            reason=f"the candidate answers '{label}' for none of {len(candidate):,} test rows, "
            f"champion {case.champion.version} for {answers:,}",
            required=True,
            subject=f"answers of '{label}'",
            observed=0.0,
            limit=float(answers),
            sample=len(candidate),
            next_step="see its probabilities and metrics.threshold, and train again",
        )
