"""Rule `too_good`: the model is not so good that a feature must give the target away."""

import numpy as np
from scipy.stats import beta

from gateline.contracts.verdict import Outcome, Rule, ruled, unknown
from validation.metrics import Scored
from validation.model.case import ModelCase, Inputs
from validation.telling import combination, told

FEWEST = 100
"""Test rows below which one column may tell all classes by chance: on 38 rows, petals do."""
NAMED = 3
SEED = 20_130_101
ADVICE = (
    'what is known only after the target gets "feature": false in the schema, then train again; where all is known in time, '
    "raise gates.model.max_explained to 1"
)


def too_good(case: ModelCase) -> list[Rule]:
    """Judge that the model takes away at most `max_explained` of what a constant answer gets wrong (squared error of a
    number, wrong answers of classes), that no column alone does, and that no sum or product of some is the target.

    Of classes it fails where that is shown: the upper bound of the model's errors (Clopper and Pearson, 1934) at `confidence`
    is that small. 150 flowers that are all told apart show nothing.
    """
    scored, limit = case.candidate, case.gate.max_explained
    if not len(scored) or not np.isfinite(scored.scores).all():
        return [unknown("too_good", "the model does not score every row")]
    share = explained(scored, case.gate.confidence)
    facts = {"observed": share, "limit": limit, "sample": len(scored)}
    given = _given_away(case.inputs, scored, limit) if case.inputs and limit < 1.0 and len(scored) >= FEWEST else ""
    reason = f"{share:.4g} of a constant answer's error is taken away"
    if share <= limit and not given:
        return [ruled("too_good", Outcome.PASS, reason, **facts)]
    reason = f"{reason}: too good to be true" if share > limit else ""
    if not given and case.inputs is not None:
        given = _needed(case.inputs, scored)
    return [ruled("too_good", Outcome.FAIL, "; ".join(filter(None, (reason, given))), next_step=ADVICE, **facts)]


def explained(scored: Scored, confidence: float) -> float:
    """Return the share of a constant answer's error that a model takes away; of classes, what is shown at a confidence."""
    if scored.task == "regression":
        spread = float(np.square(scored.truth - scored.truth.mean()).mean())
        return 1.0 - _error(scored) / spread if spread > 0 else 0.0
    rows, wrong = len(scored), int((scored.truth != scored.called).sum())
    constant = rows - int(np.bincount(scored.truth).max())
    most = 1.0 if wrong == rows else float(beta.ppf(confidence, wrong + 1, rows - wrong))
    return 1.0 - most * rows / constant if constant else 0.0


def _given_away(inputs: Inputs, scored: Scored, limit: float) -> str:
    """Say which columns are the target: one that tells every class, or a few that add up to a number."""
    if scored.task == "regression":
        found = combination(inputs.matrix, np.asarray(scored.truth, dtype=np.float64))
        if found is None:
            return ""
        names, way = [inputs.numbers[at] for at in found[0]], found[1]
        if way == "order":
            return f"the target has the order of {_listed(names)}"
        return f"the target is the {way} of {_listed(names)}" if len(names) > 1 else f"the target is '{names[0]}' rescaled"
    shares, classes = {}, int(scored.truth.max()) + 1
    for at, name in enumerate(inputs.numbers):
        known = np.isfinite(inputs.matrix[:, at])
        enough = known.sum() >= FEWEST
        shares[name] = told(inputs.matrix[known, at], scored.truth[known], classes) if enough else 0.0
    name, share = max(shares.items(), key=lambda each: each[1], default=("", 0.0))
    return f"'{name}' alone tells the classes apart: {share:.4g} of a constant answer's errors" if share > limit else ""


def _needed(inputs: Inputs, scored: Scored) -> str:
    """Name the columns without which the model is worst: each is permuted over the rows (Breiman, Random forests, 2001)."""
    chance, lost = np.random.default_rng(SEED), {}
    for at, name in enumerate(inputs.names):
        moved = inputs.rows.copy()
        moved[:, at] = moved[chance.permutation(len(moved)), at]
        lost[name] = _error(inputs.scored(moved)) - _error(scored)
    most = max(lost.values(), default=0.0)
    names = [name for name in sorted(lost, key=lambda each: -lost[each]) if lost[name] > 0.1 * most][:NAMED]
    return f"it needs {_listed(names)} most" if names else ""


def _error(scored: Scored) -> float:
    if scored.task == "regression":
        return float(np.square(scored.truth - scored.called).mean())
    return float((scored.truth != scored.called).mean())


def _listed(names: list[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
