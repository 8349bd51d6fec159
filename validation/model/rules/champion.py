"""Rules `champion_digest` and `noninferiority`: the candidate against the model in production."""

from __future__ import annotations

import numpy as np

from gateline.contracts.verdict import Outcome, Rule, unknown
from gateline.settings.project import MINIMIZED, Metrics
from validation.model.evidence import Evidence
from validation.model.paired import Difference
from validation.model.subject import GONE
from validation.scored import Task

NAME = "noninferiority"
FIRST = "there is no champion: this is the first model, recorded as such"
SAME = "the candidate is the champion: a comparison says nothing"
ACCEPTED = "; accepted by hand"
FEWEST_ANSWERS = 10
"""Rows of which the champion answers a class: an equal model answers it for none once in 20,000 times (Poisson)."""
FAR = 0.5
"""A candidate is far above the champion where it takes away more than this share of what the champion gets wrong."""


def champion_digest(evidence: Evidence) -> list[Rule]:
    """Judge that two different artifacts are compared. A comparison with itself that was asked for holds the line."""
    champion = evidence.champion
    if champion.same:
        advice = "name another --champion, or train a candidate" if champion.asked else ""
        return [unknown("champion_digest", SAME, required=champion.asked, subject=champion.version, next_step=advice)]
    if not champion.version:
        return [unknown("champion_digest", FIRST)]
    if champion.version == GONE:
        return [unknown("champion_digest", champion.reason)]
    reason = f"candidate and champion {champion.version} are different artifacts"
    return [Rule(name="champion_digest", outcome=Outcome.PASS, reason=reason, subject=champion.version)]


def noninferiority(evidence: Evidence) -> list[Rule]:
    """Judge, one-sided at `confidence`, that `metrics.primary` is at most `margin` worse than the champion's on the same
    rows, and a proper score (log loss; of numbers the other of squared and absolute error) at most `proper_margin`; and that
    no class which the champion answers is never answered. Required where there is a champion, compared or not, but for one
    that `accept_champion` names.

    Shown: pass. Significantly below: fail. Neither: inconclusive, and required, since there is a champion to compare with.
    """
    champion, primary = evidence.champion, evidence.settings.primary
    if champion.same or not champion.version:
        return [unknown(NAME, SAME if champion.same else FIRST, subject=primary)]
    if champion.scored is None:
        held, told = not champion.accepted, champion.reason + (ACCEPTED if champion.accepted else "")
        return [unknown(NAME, told, subject=primary, required=held, next_step=champion.next_step)]
    if not evidence.enough_rows:
        few = f"{len(evidence.candidate):,} test rows, at least {evidence.gate.min_rows:,} are needed"
        return [_unknown(few, primary)]
    names = compared(evidence.candidate.task, evidence.settings)
    return [_compare(name, evidence) for name in names] + _never_answered(evidence)


def compared(task: Task, metrics: Metrics) -> tuple[str, ...]:
    """Return the metrics that two models are compared by: the primary, and a proper score where that is none itself.

    A ranking says nothing of probabilities, and a share of right answers nothing of how sure they are; the log loss is
    smallest for the true probabilities (Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007). The squared
    error is least for the mean and the absolute for the median: a model that is good by one alone is good at a part of the
    rows alone.
    """
    proper = ("mae" if metrics.primary == "rmse" else "rmse") if task == "regression" else "log_loss"
    return (metrics.primary,) if metrics.primary == proper else (metrics.primary, proper)


def far_above(evidence: Evidence) -> str:
    """Return a warning where the primary metric is shown to be far above the champion's, or ''."""
    if evidence.champion.scored is None or evidence.champion.same or not evidence.enough_rows:
        return ""
    name, direction = evidence.settings.primary, evidence.settings.direction
    found = evidence.against(evidence.champion.scored)
    if found is None or (direction == "maximize" and found.second >= 1.0):
        return ""
    wrong = abs(found.second) if direction == "minimize" else 1.0 - found.second
    if found.lower(evidence.gate.confidence) <= FAR * wrong:
        return ""
    return (
        f"warning: {name} is {found.first:.6g}, far above the champion's {found.second:.6g}: see that no feature is known "
        "only after the target, and that no test row was trained on"
    )


def _compare(name: str, evidence: Evidence) -> Rule:
    scored = evidence.champion.scored
    primary = name == evidence.settings.primary
    found = evidence.against(scored, name) if scored is not None else None
    if found is None:
        return _unknown(f"{name} is not defined for both on these rows", name)
    minimized = evidence.settings.direction == "minimize" if primary else name in MINIMIZED
    setting = "margin" if primary else "proper_margin"
    margin = getattr(evidence.gate, setting) * (abs(found.second) if minimized else 1.0)
    return _judge(found, margin, name, setting, evidence)


def _judge(found: Difference, margin: float, name: str, setting: str, evidence: Evidence) -> Rule:
    confidence = evidence.gate.confidence
    lower, upper = found.lower(confidence), found.upper(confidence)
    told = (
        f"{name} is {found.first:.6g}, champion {evidence.champion.version} has {found.second:.6g}: "
        f"at worst {max(-lower, 0.0):.3g} worse (confidence {confidence:.3g}), allowed {margin:.3g}"
    )
    key = f"gates.model.{setting}"
    outcome, told, advice = Outcome.INCONCLUSIVE, f"{told}: not shown on {_sample(evidence)}", ""
    if lower >= -margin:
        outcome, told = Outcome.PASS, told.partition(": not shown")[0]
    elif upper < -margin:
        outcome, told, advice = Outcome.FAIL, told.partition(": not shown")[0], f"improve the model; the margin is {key}"
    else:
        advice = f"add labelled rows to data.test, or widen {key}"
    return Rule(
        name=NAME,
        outcome=outcome,
        reason=told,
        required=True,
        subject=name,
        observed=lower,
        limit=-margin,
        sample=len(evidence.candidate),
        next_step=advice,
    )


def _never_answered(evidence: Evidence) -> list[Rule]:
    """Fail where the candidate answers a class for no test row, and the champion for some: no ranking shows that."""
    candidate, champion = evidence.candidate, evidence.champion.scored
    if champion is None or candidate.task == "regression" or candidate.classes != champion.classes:
        return []
    size = len(candidate.classes)
    own, other = (np.bincount(scored.called, minlength=size)[:size] for scored in (candidate, champion))
    return [
        Rule(
            name=NAME,
            outcome=Outcome.FAIL,
            reason=f"the candidate answers '{candidate.classes[at]}' for none of {len(candidate):,} test rows, "
            f"champion {evidence.champion.version} for {int(other[at]):,}",
            required=True,
            subject=f"answers of '{candidate.classes[at]}'",
            observed=0.0,
            limit=float(other[at]),
            sample=len(candidate),
            next_step="see its probabilities and metrics.threshold, and train again",
        )
        for at in np.flatnonzero((own == 0) & (other >= FEWEST_ANSWERS))
    ]


def _sample(evidence: Evidence) -> str:
    """Few positives are a small sample, however many rows there are."""
    rows = evidence.candidate
    if rows.task != "binary":
        return f"{len(rows):,} rows"
    return f"{len(rows):,} rows, {int((rows.truth == rows.positive_column).sum()):,} of them positive"


def _unknown(reason: str, subject: str) -> Rule:
    return unknown(NAME, reason, required=True, subject=subject, next_step="add labelled rows to data.test")
