"""Rules `champion_digest` and `noninferiority`: the candidate against the model in production."""

from __future__ import annotations

from contracts.verdict import Outcome, Rule, unknown
from validation.evidence import Evidence
from validation.paired import Difference

FIRST = "there is no champion: this is the first model, recorded as such"
SAME = "the candidate is the champion: a comparison says nothing"


def champion_digest(evidence: Evidence) -> list[Rule]:
    """Judge that two different artifacts are compared. A comparison with itself that was asked for holds the line."""
    champion = evidence.champion
    if champion.same:
        advice = "name another --champion, or train a candidate" if champion.asked else ""
        return [unknown("champion_digest", SAME, required=champion.asked, subject=champion.version, next_step=advice)]
    if not champion.version:
        return [unknown("champion_digest", FIRST)]
    reason = f"candidate and champion {champion.version} are different artifacts"
    return [Rule(name="champion_digest", outcome=Outcome.PASS, reason=reason, subject=champion.version)]


def noninferiority(evidence: Evidence) -> list[Rule]:
    """Judge, one-sided at `confidence`, that `metrics.primary` is at most `margin` worse than the champion's on the same
    rows; required where there is a champion.

    Shown: pass. Significantly below: fail. Neither: inconclusive, and required, since there is a champion to compare with.
    """
    champion = evidence.champion
    reason = SAME if champion.same else champion.reason or ("" if champion.scored else FIRST)
    if reason or champion.scored is None:
        return [unknown("noninferiority", reason, subject=evidence.settings.primary)]
    if not evidence.enough_rows:
        return [
            _unknown(f"{len(evidence.candidate):,} test rows, at least {evidence.gate.min_rows:,} are needed", evidence)
        ]
    found = evidence.against(champion.scored)
    if found is None:
        return [_unknown(f"{evidence.settings.primary} is not defined for both on these rows", evidence)]
    return [_judge(found, evidence)]


def _judge(found: Difference, evidence: Evidence) -> Rule:
    confidence, margin = evidence.gate.confidence, _margin(found, evidence)
    lower, upper = found.lower(confidence), found.upper(confidence)
    told = (
        f"{evidence.settings.primary} is {found.first:.6g}, champion {evidence.champion.version} has {found.second:.6g}: "
        f"at worst {max(-lower, 0.0):.3g} worse (confidence {confidence:.3g}), allowed {margin:.3g}"
    )
    if lower >= -margin:
        return _rule(Outcome.PASS, told, lower, margin, evidence)
    if upper < -margin:
        return _rule(Outcome.FAIL, told, lower, margin, evidence)
    return _rule(Outcome.INCONCLUSIVE, f"{told}: not shown on {_sample(evidence)}", lower, margin, evidence)


def _sample(evidence: Evidence) -> str:
    """Few positives are a small sample, however many rows there are."""
    rows = evidence.candidate
    if rows.task != "binary":
        return f"{len(rows):,} rows"
    return f"{len(rows):,} rows, {int((rows.truth == rows.positive_column).sum()):,} of them positive"


def _margin(found: Difference, evidence: Evidence) -> float:
    """The margin is absolute for maximized metrics, and relative to the champion's value for minimized ones."""
    return evidence.gate.margin * (1.0 if evidence.settings.direction == "maximize" else abs(found.second))


def _rule(outcome: Outcome, reason: str, lower: float, margin: float, evidence: Evidence) -> Rule:
    advice = {
        Outcome.PASS: "",
        Outcome.FAIL: "improve the model; the margin is gates.model.margin",
        Outcome.INCONCLUSIVE: "add labelled rows to data.test, or widen gates.model.margin",
    }[outcome]
    return Rule(
        name="noninferiority",
        outcome=outcome,
        reason=reason,
        required=True,
        subject=evidence.settings.primary,
        observed=lower,
        limit=-margin,
        sample=len(evidence.candidate),
        next_step=advice,
    )


def _unknown(reason: str, evidence: Evidence) -> Rule:
    advice = "add labelled rows to data.test"
    return unknown("noninferiority", reason, required=True, subject=evidence.settings.primary, next_step=advice)
