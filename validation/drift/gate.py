"""Judge live rows against what the artifact remembers of its training: columns, predictions, and matured labels.

A distribution has drifted if two things hold: chance does not explain the difference (chi-square, Bonferroni over all
distributions of the window), and the difference matters (population stability index above the limit). See docs/canary.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any

from gateline.contracts.reference import ColumnCounts, LiveCounts, Reference
from gateline.contracts.verdict import Outcome, Rule, Verdict, unknown
from gateline.settings import DriftGate
from validation.drift.chi_square import Comparison, compare
from validation.drift.matured import Measured, measured
from validation.drift.plots import plots

MINIMIZED = ("log_loss", "mae", "rmse")
STAND_INS = ("accuracy", "mae")
"""Judged where the primary metric cannot be computed from counts."""


@dataclass(frozen=True)
class Case:
    """What the rules look at."""

    live: LiveCounts
    reference: Reference
    gate: DriftGate
    trained: Mapping[str, float] = field(default_factory=dict)
    primary: str = "accuracy"
    positive: str = ""

    @cached_property
    def columns(self) -> dict[str, Comparison | None]:
        """Each judged column compared; None where the live counts do not fit the reference."""
        return {name: self._column(name) for name in self.reference.columns if name not in self.gate.ignored}

    @cached_property
    def predictions(self) -> dict[str, Comparison | None]:
        """The scores compared, and the predicted labels where there are any."""
        rows = self.reference.score_rows or self.reference.rows
        found = {"scores": fitted(self.live.scores, [share * rows for share in self.reference.scores.shares])}
        if self.reference.labels:
            names = sorted({*self.reference.labels, *self.live.labels})
            before = [self.reference.labels.get(name, 0.0) * rows for name in names]
            found["labels"] = fitted([self.live.labels.get(name, 0) for name in names], before)
        return found

    @property
    def alpha(self) -> float:
        """The chance of a false alarm that one comparison may have."""
        return self.gate.alpha / max(1, len(self.columns) + len(self.predictions))

    def _column(self, name: str) -> Comparison | None:
        before, now = self.reference.columns[name], self.live.columns.get(name, ColumnCounts(counts=()))
        if len(now.counts) != len(before.shares):
            return None
        present = self.reference.rows * (1 - before.missing)
        return fitted(
            [*now.counts, now.missing],
            [*(share * present for share in before.shares), self.reference.rows * before.missing],
        )


def judge(
    live: LiveCounts,
    reference: Reference | Mapping[str, Any],
    gate: DriftGate,
    *,
    trained: Mapping[str, float] | None = None,
    primary: str = "accuracy",
    positive: str = "",
) -> Verdict:
    """Say whether a window of live rows has drifted from an artifact's reference (its `reference.json`).

    `trained` holds the metrics at training time, of which `primary` is judged; `positive` is a binary model's positive label.
    """
    known = reference if isinstance(reference, Reference) else Reference.model_validate(reference)
    case = Case(live, known, gate, trained or {}, primary, positive)
    rules = [
        rule.model_copy(update={"required": name in gate.required}) for name in gate.rules for rule in RULES[name](case)
    ]
    seen = {**case.columns, **case.predictions}
    return Verdict.of(
        "drift",
        rules,
        judged={name: digest for name in ("release", "artifact") if (digest := str(getattr(live, name)))},
        metrics={"rows": float(live.rows), **{f"psi.{name}": found.psi for name, found in seen.items() if found}},
        plots=plots(live, known, {name: found.psi for name, found in seen.items() if found}, gate.max_psi),
    )


def traffic(case: Case) -> Iterator[Rule]:
    """Judge whether there are `min_rows` live rows."""
    rows, needed = case.live.rows, case.gate.min_rows
    facts = {"observed": float(rows), "limit": float(needed), "unit": "rows", "sample": rows}
    if rows < needed:
        yield unknown("traffic", f"{rows} live rows, {needed} are needed", next_step="wait for more traffic", **facts)
    else:
        yield _rule("traffic", Outcome.PASS, f"{rows} live rows, at least {needed}", **facts)


def columns(case: Case) -> Iterator[Rule]:
    """Judge whether a column that is not `ignored` drifted: a PSI above `max_psi` that chance does not
    explain at `alpha`.

    Those that drifted come first.
    """
    rules = [_distribution("drift.column", name, found, case) for name, found in case.columns.items()]
    yield from sorted(rules, key=lambda rule: rule.outcome is not Outcome.FAIL)
    if not rules:
        yield unknown("drift.column", "no column is judged: the reference has none, or all are ignored")


def predictions(case: Case) -> Iterator[Rule]:
    """Judge whether scores or predicted labels drifted: a PSI above `max_psi` that chance does not explain at `alpha`."""
    yield from (_distribution("drift.prediction", name, found, case) for name, found in case.predictions.items())


def performance(case: Case) -> Iterator[Rule]:
    """Judge whether `metrics.primary`, on at least `min_labels` labels of `data.labels`, is worse than at training by
    more than `max_metric_drop`, beyond chance at `alpha`."""
    rows = sum(cell.count for cell in case.live.matured)
    if rows < case.gate.min_labels:
        why = f"{rows} labels have matured, {case.gate.min_labels} are needed"
        facts = {"observed": float(rows), "limit": float(case.gate.min_labels), "unit": "labels", "sample": rows}
        yield unknown("performance", why, next_step=LABELS, **facts)
        return
    for name in (case.primary, *STAND_INS):
        found = measured(name, case.live.matured, case.positive) if name in case.trained else None
        if found is not None:
            yield _performance(name, found, case)
            return
    yield unknown(
        "performance", f"{case.primary} cannot be computed from counts, or was not recorded at training", sample=rows
    )


def _performance(name: str, found: Measured, case: Case) -> Rule:
    before, drop = case.trained[name], case.gate.max_metric_drop
    sign = -1.0 if name in MINIMIZED else 1.0
    limit = before * (1 + drop) if name in MINIMIZED else before - drop
    beyond = sign * (limit - found.value)
    stands_in = "" if name == case.primary else f" (standing in for {case.primary})"
    seen = f"{found.value:.4f} ± {found.error:.4f} on {found.rows} matured labels"
    what = f"{name}{stands_in} is {seen}, {before:.4f} at training"
    facts = {"subject": name, "observed": found.value, "limit": limit, "sample": found.rows}
    if beyond <= 0:
        return _rule("performance", Outcome.PASS, f"{what}, limit {limit:.4f}", **facts)
    if beyond > NormalDist().inv_cdf(1 - case.gate.alpha) * found.error:
        return _rule("performance", Outcome.FAIL, f"{what}, beyond the limit {limit:.4f}", next_step=TRAIN, **facts)
    return unknown("performance", f"{what}: may by chance lie beyond the limit {limit:.4f}", **facts)


def _distribution(rule: str, name: str, found: Comparison | None, case: Case) -> Rule:
    limit = case.gate.max_psi
    if found is None:
        return unknown(rule, "there are no live counts in the reference's bins", subject=name)
    facts = {"subject": name, "observed": found.psi, "limit": limit, "unit": "PSI", "sample": case.live.rows}
    what = f"{name}: PSI {found.psi:.3f}, allowed {limit:.3f}; p {found.p_value:.2g}, needed below {case.alpha:.2g}"
    if case.live.rows < case.gate.min_rows:
        return unknown(rule, f"{case.live.rows} rows are too few to judge", **facts)
    if found.psi > limit and found.p_value < case.alpha:
        return _rule(rule, Outcome.FAIL, what, next_step=TRAIN + (BY_NATURE if rule == "drift.column" else ""), **facts)
    return _rule(rule, Outcome.PASS, what, **facts)


def fitted(live: Sequence[float], reference: Sequence[float]) -> Comparison | None:
    """Compare counts, or return None where there are none or their bins are not the reference's."""
    if len(live) != len(reference) or not sum(live) or not sum(reference):
        return None
    return compare(live, reference)


RULES: dict[str, Callable[[Case], Iterator[Rule]]] = {
    "traffic": traffic,
    "drift.column": columns,
    "drift.prediction": predictions,
    "performance": performance,
}
TRAIN = "put labelled rows of this window into data.train and data.test, then train: nox -s train"
LABELS = "write them to data.labels as they arrive, by the request_id of the answer; or lower gates.drift.min_labels"
BY_NATURE = "; a column that moves by nature belongs into gates.drift.ignored"


def _rule(name: str, outcome: Outcome, reason: str, **facts: object) -> Rule:
    return Rule.model_validate({"name": name, "outcome": outcome, "reason": reason, **facts})
