"""Rule `too_good`: the model is not so good that a feature must give the target away."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

from gateline.contracts.verdict import Outcome, Rule, unknown
from validation.model.evidence import Evidence, Source
from validation.scored import Floats, Scored
from validation.telling import combination, told

NAME = "too_good"
FEWEST = 100
"""Test rows below which one column may tell all classes by chance: on 38 rows, petals do."""
NAMED = 3
SEED = 20_130_101
ADVICE = (
    'what is known only after the target gets "feature": false in the schema, then train again; where all is known in time, '
    "raise gates.model.max_explained to 1"
)


def too_good(evidence: Evidence) -> list[Rule]:
    """Judge that the model takes away at most `max_explained` of what a constant answer gets wrong (squared error of a
    number, wrong answers of classes), that no column alone does, and that no sum or product of some is the target.

    Of classes it fails where that is shown: the upper bound of the model's errors (Clopper and Pearson, 1934) at `confidence`
    is that small. 150 flowers that are all told apart show nothing.
    """
    scored, limit = evidence.candidate, evidence.gate.max_explained
    if not len(scored) or not np.isfinite(scored.scores).all():
        return [unknown(NAME, "the model does not score every row")]
    share = explained(scored, evidence.gate.confidence)
    given = _given_away(evidence, limit) if limit < 1.0 else ""
    if share <= limit and not given:
        return [_rule(Outcome.PASS, f"{share:.4g} of a constant answer's error is taken away", share, evidence)]
    reason = f"{share:.4g} of a constant answer's error is taken away: too good to be true" if share > limit else ""
    if not given and evidence.source is not None:
        given = _needed(evidence.source, scored)
    return [_rule(Outcome.FAIL, "; ".join(part for part in (reason, given) if part), share, evidence)]


def explained(scored: Scored, confidence: float) -> float:
    """Return the share of a constant answer's error that a model takes away; of classes, what is shown at a confidence."""
    if scored.task == "regression":
        spread = float(np.square(scored.truth - scored.truth.mean()).mean())
        return 1.0 - float(np.square(scored.truth - scored.called).mean()) / spread if spread > 0 else 0.0
    rows, wrong = len(scored), int((scored.truth != scored.called).sum())
    constant = rows - int(np.bincount(scored.truth).max())
    most = 1.0 if wrong == rows else float(beta.ppf(confidence, wrong + 1, rows - wrong))
    return 1.0 - most * rows / constant if constant else 0.0


def _given_away(evidence: Evidence, limit: float) -> str:
    """Say which columns are the target: one that tells every class, or a few that add up to a number."""
    source, scored = evidence.source, evidence.candidate
    if source is None or len(scored) < FEWEST:
        return ""
    if scored.task == "regression":
        found = combination(source.matrix, np.asarray(scored.truth, dtype=np.float64))
        if found is None:
            return ""
        names, way = [source.numbers[at] for at in found[0]], found[1]
        if way == "order":
            return f"the target has the order of {_listed(names)}"
        return f"the target is the {way} of {_listed(names)}" if len(names) > 1 else f"the target is '{names[0]}' rescaled"
    shares = {name: told(*_known(source.matrix[:, at], scored)) for at, name in enumerate(source.numbers)}
    name, share = max(shares.items(), key=lambda each: each[1], default=("", 0.0))
    return f"'{name}' alone tells the classes apart: {share:.4g} of a constant answer's errors" if share > limit else ""


def _known(column: Floats, scored: Scored) -> tuple[Floats, np.ndarray, int]:
    known = np.isfinite(column)
    enough = int(known.sum()) >= FEWEST
    return (column[known] if enough else column[:0]), scored.truth[known if enough else slice(0)], int(scored.truth.max()) + 1


def _needed(source: Source, scored: Scored) -> str:
    """Name the columns without which the model is worst: each is permuted over the rows (Breiman, Random forests, 2001)."""
    chance, lost = np.random.default_rng(SEED), {}
    for at, name in enumerate(source.names):
        moved = source.rows.copy()
        moved[:, at] = moved[chance.permutation(len(moved)), at]
        lost[name] = _error(source.scored(moved)) - _error(scored)
    most = max(lost.values(), default=0.0)
    names = [name for name in sorted(lost, key=lambda each: -lost[each]) if lost[name] > 0.1 * most][:NAMED]
    return f"it needs {_listed(names)} most" if names else ""


def _error(scored: Scored) -> float:
    if scored.task == "regression":
        return float(np.square(scored.truth - scored.called).mean())
    return float((scored.truth != scored.called).mean())


def _listed(names: list[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)


def _rule(outcome: Outcome, reason: str, share: float, evidence: Evidence) -> Rule:
    return Rule(
        name=NAME,
        outcome=outcome,
        reason=reason,
        observed=share,
        limit=evidence.gate.max_explained,
        sample=len(evidence.candidate),
        next_step="" if outcome is Outcome.PASS else ADVICE,
    )
