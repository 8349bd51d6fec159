"""Judge live rows against what the artifact remembers of its training: columns, predictions, and matured labels.

A distribution has drifted if two things hold: chance does not explain the difference (chi-square, Bonferroni over all
distributions of the window), and the difference matters (population stability index above the limit). See docs/canary.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any

from gateline.contracts.reference import ColumnCounts, LiveCounts, Reference
from gateline.contracts.verdict import Outcome, Plot, Rule, Series, Verdict, unknown
from gateline.settings import DriftGate
from gateline.settings.project import METRICS
from validation.drift.chi_square import Homogeneity, compare

STAND_INS = ("accuracy", "mae")
"""Judged where the primary metric cannot be computed from counts."""


@dataclass(frozen=True)
class DriftCase:
    """What the rules look at."""

    live: LiveCounts
    reference: Reference
    gate: DriftGate
    trained: Mapping[str, float] = field(default_factory=dict)
    primary: str = "accuracy"
    positive: str = ""

    @cached_property
    def columns(self) -> dict[str, Homogeneity | None]:
        return {name: self._column(name) for name in self.reference.columns if name not in self.gate.ignored}

    @cached_property
    def predictions(self) -> dict[str, Homogeneity | None]:
        rows = self.reference.score_rows or self.reference.rows
        found = {"scores": _compared(self.live.scores, [share * rows for share in self.reference.scores.shares])}
        if self.reference.labels:
            names = sorted({*self.reference.labels, *self.live.labels})
            before = [self.reference.labels.get(name, 0.0) * rows for name in names]
            found["labels"] = _compared([self.live.labels.get(name, 0) for name in names], before)
        return found

    @property
    def alpha(self) -> float:
        return self.gate.alpha / max(1, len(self.columns) + len(self.predictions))

    def _column(self, name: str) -> Homogeneity | None:
        before, now = self.reference.columns[name], self.live.columns.get(name, ColumnCounts(counts=()))
        if len(now.counts) != len(before.shares):
            return None
        present = self.reference.rows * (1 - before.missing)
        return _compared(
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
    case = DriftCase(live, known, gate, trained or {}, primary, positive)
    rules = [
        rule.model_copy(update={"required": name in gate.required}) for name in gate.rules for rule in RULES[name](case)
    ]
    moved = {name: found.psi for name, found in {**case.columns, **case.predictions}.items() if found}
    return Verdict.of(
        "drift",
        rules,
        judged={name: digest for name in ("release", "artifact") if (digest := str(getattr(live, name)))},
        metrics={"rows": float(live.rows), **{f"psi.{name}": psi for name, psi in moved.items()}},
        plots=_plots(live, known, moved, gate.max_psi),
    )


def traffic(case: DriftCase) -> Iterator[Rule]:
    """Judge whether there are `min_rows` live rows."""
    rows, needed = case.live.rows, case.gate.min_rows
    facts = {"observed": float(rows), "limit": float(needed), "unit": "rows", "sample": rows}
    if rows < needed:
        yield unknown("traffic", f"{rows} live rows, {needed} are needed", next_step="wait for more traffic", **facts)
    else:
        yield _rule("traffic", Outcome.PASS, f"{rows} live rows, at least {needed}", **facts)


def columns(case: DriftCase) -> Iterator[Rule]:
    """Judge whether a column that is not `ignored` drifted: a PSI above `max_psi` that chance does not
    explain at `alpha`.

    Those that drifted come first.
    """
    rules = [_distribution("drift.column", name, found, case) for name, found in case.columns.items()]
    yield from sorted(rules, key=lambda rule: rule.outcome is not Outcome.FAIL)
    if not rules:
        yield unknown("drift.column", "no column is judged: the reference has none, or all are ignored")


def predictions(case: DriftCase) -> Iterator[Rule]:
    """Judge whether scores or predicted labels drifted: a PSI above `max_psi` that chance does not explain at `alpha`."""
    yield from (_distribution("drift.prediction", name, found, case) for name, found in case.predictions.items())


def performance(case: DriftCase) -> Iterator[Rule]:
    """Judge whether `metrics.primary`, on at least `min_labels` labels of `data.labels`, is worse than at training by
    more than `max_metric_drop`, beyond chance at `alpha`."""
    rows, needed = sum(cell.count for cell in case.live.matured), case.gate.min_labels
    if rows < needed:
        facts = {"observed": float(rows), "limit": float(needed), "unit": "labels", "sample": rows}
        yield unknown("performance", f"{rows} labels have matured, {needed} are needed", next_step=LABELS, **facts)
        return
    from validation.drift.labelled import estimated

    for name in (case.primary, *STAND_INS):
        found = estimated(name, case.live.matured, case.positive) if name in case.trained else None
        if found is not None:
            yield _performance(name, *found, case)
            return
    why = f"{case.primary} cannot be computed from counts, or was not recorded at training"
    yield unknown("performance", why, sample=rows)


def _performance(name: str, value: float, error: float, rows: int, case: DriftCase) -> Rule:
    before, drop, minimized = case.trained[name], case.gate.max_metric_drop, METRICS[name].minimized
    limit = before * (1 + drop) if minimized else before - drop
    beyond = value - limit if minimized else limit - value
    stands_in = "" if name == case.primary else f" (standing in for {case.primary})"
    what = f"{name}{stands_in} is {value:.4f} ± {error:.4f} on {rows} matured labels, {before:.4f} at training"
    facts = {"subject": name, "observed": value, "limit": limit, "sample": rows}
    if beyond <= 0:
        return _rule("performance", Outcome.PASS, f"{what}, limit {limit:.4f}", **facts)
    if beyond > NormalDist().inv_cdf(1 - case.gate.alpha) * error:
        return _rule("performance", Outcome.FAIL, f"{what}, beyond the limit {limit:.4f}", next_step=TRAIN, **facts)
    return unknown("performance", f"{what}: may by chance be beyond the limit {limit:.4f}", **facts)


def _distribution(rule: str, name: str, found: Homogeneity | None, case: DriftCase) -> Rule:
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


def _compared(live: Sequence[float], reference: Sequence[float]) -> Homogeneity | None:
    """Compare counts, or return None where there are none or their bins are not the reference's."""
    if len(live) != len(reference) or not sum(live) or not sum(reference):
        return None
    return compare(live, reference)


RULES: dict[str, Callable[[DriftCase], Iterator[Rule]]] = {
    "traffic": traffic,
    "drift.column": columns,
    "drift.prediction": predictions,
    "performance": performance,
}
TRAIN = "put labelled rows of this window into data.train and data.test, then train: nox -s train"
LABELS = "write them to data.labels as they arrive, by the request_id of the answer; or lower gates.drift.min_labels"
BY_NATURE = "; a column that moves by nature belongs in gates.drift.ignored"


def _rule(name: str, outcome: Outcome, reason: str, **facts: object) -> Rule:
    return Rule.model_validate({"name": name, "outcome": outcome, "reason": reason, **facts})


def _plots(live: LiveCounts, reference: Reference, moved: Mapping[str, float], limit: float) -> tuple[Plot, ...]:
    """The index of every distribution, furthest first, and the distribution of scores; bins are numbered, not named."""
    if not moved:
        return ()
    names = sorted(moved, key=lambda name: -moved[name])
    index = Plot(
        title="How far each distribution moved",
        kind="bar",
        y_label="population stability index",
        series=(Series(name="PSI", x=tuple(names), y=tuple(moved[name] for name in names)),),
        note=f"limit {limit:g}",
    )
    rows, shares = sum(live.scores), reference.scores.shares
    if not rows:
        return (index,)
    bins = tuple(str(number + 1) for number in range(len(shares)))
    now = Series(name="live", x=bins, y=tuple(count / rows for count in live.scores))
    series = (Series(name="at training", x=bins, y=shares), now)
    return index, Plot(title="Scores", kind="bar", x_label="bin, lowest first", y_label="share of rows", series=series)
