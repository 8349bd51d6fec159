"""Judge windows of live rows and print how often drift is said: false alarms, detection, and sample sizes.

Run it with `python -m benchmarks.drift_windows`; it needs numpy (the environment of the tests has it).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from gateline.contracts.reference import ColumnCounts, ColumnReference, LiveCounts, Matured, Reference, ScoreReference
from gateline.contracts.verdict import Outcome
from gateline.settings import DriftGate
from validation.drift.gate import judge

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
SHAPES: dict[str, Draw] = {
    "normal": lambda random, rows: random.normal(size=rows),
    "lognormal": lambda random, rows: np.exp(random.normal(size=rows)),
    "exponential": lambda random, rows: random.exponential(size=rows),
    "weekday": lambda random, rows: random.integers(0, 7, rows).astype(np.float64),
    "heavy": lambda random, rows: random.standard_t(3, rows),
}
COPIES = 4
"""Columns of each shape: twenty in all, every second one with 15 % missing."""
MISSING = 0.15
DECILES = np.linspace(0.1, 0.9, 9)
TRAINED = {"accuracy": 0.89}


class World:
    """Twenty columns, a score with a label, and the reference that a training run would have written."""

    def __init__(self, rows: int, seed: int = 0) -> None:
        """Draw the training rows."""
        self._random = np.random.default_rng(seed)
        self._draws = {f"{name}_{copy}": draw for name, draw in SHAPES.items() for copy in range(COPIES)}
        self._gaps = {name: MISSING * (place % 2) for place, name in enumerate(self._draws)}
        trained = {name: draw(self._random, rows) for name, draw in self._draws.items()}
        self._scales = {name: float(values.std()) for name, values in trained.items()}
        columns = {name: self._reference(values, self._gaps[name]) for name, values in trained.items()}
        edges = tuple(float(edge) for edge in DECILES)
        scores = ScoreReference(edges=edges, shares=(0.1,) * 10)
        self.reference = Reference(columns=columns, scores=scores, labels={"0": 0.7, "1": 0.3}, rows=rows)

    def window(self, rows: int, shifted: str = "", by: float = 0.0, positives: float = 0.3) -> LiveCounts:
        """Return live counts; one column is moved `by` standard deviations, the share of positive labels may be another."""
        columns = {name: self._live(name, rows, by if name == shifted else 0.0) for name in self._draws}
        labels = self._random.binomial(rows, positives)
        scores = self._random.multinomial(rows, [0.1] * 10)
        return LiveCounts(
            rows=rows,
            columns=columns,
            scores=tuple(int(count) for count in scores),
            labels={"0": rows - int(labels), "1": int(labels)},
        )

    def matured(self, rows: int, accuracy: float) -> LiveCounts:
        """Return an unchanged window whose labels have arrived."""
        right = int(self._random.binomial(rows, accuracy))
        cells = (
            Matured(score=0.8, predicted="1", actual="1", count=right),
            Matured(score=0.8, predicted="1", actual="0", count=rows - right),
        )
        return self.window(rows).model_copy(update={"matured": cells})

    def _reference(self, values: Floats, gap: float) -> ColumnReference:
        edges = np.unique(np.quantile(values, DECILES, method="nearest"))
        counts = _tally(values, edges)
        return ColumnReference(
            bins=tuple(map(float, edges)), shares=tuple(float(count) / len(values) for count in counts), missing=gap
        )

    def _live(self, name: str, rows: int, by: float) -> ColumnCounts:
        missing = int(self._random.binomial(rows, self._gaps[name]))
        values, moved = self._draws[name](self._random, rows - missing), by * self._scales[name]
        if name.startswith("weekday"):
            values = np.minimum(values + self._random.binomial(1, moved, len(values)), 6.0)
        else:
            values = values + moved
        return ColumnCounts(counts=_tally(values, np.array(self.reference.columns[name].bins)), missing=missing)


def drifted(live: LiveCounts, world: World, gate: DriftGate) -> set[str]:
    """Return what is said to have drifted in one window."""
    verdict = judge(live, world.reference, gate, trained=TRAINED)
    return {rule.subject for rule in verdict.rules if rule.outcome is Outcome.FAIL}


def table(windows: int) -> Iterator[str]:
    """Judge windows of several sizes and yield the table line by line."""
    gate = DriftGate()
    yield f"{'case':<54} {'rows':>6} {'windows':>8} {'drifted':>8}"
    for rows in (500, 2000, 10_000):
        world = World(30_000)
        yield _row("equal data, 20 columns", rows, [drifted(world.window(rows), world, gate) for _ in range(windows)])
        for shape in SHAPES:
            name = f"{shape}_1"
            seen = [drifted(world.window(rows, name, 0.3), world, gate) & {name} for _ in range(windows // 5)]
            yield _row(f"one {shape} column shifted by 0.3 sd, 15 % missing", rows, seen)
        seen = [drifted(world.window(rows, positives=0.42), world, gate) & {"labels"} for _ in range(windows // 5)]
        yield _row("positive predictions .30 -> .42", rows, seen)
        for accuracy in (0.89, 0.80):
            seen = [drifted(world.matured(rows, accuracy), world, gate) & {"accuracy"} for _ in range(windows // 5)]
            yield _row(f"accuracy .89 -> {accuracy:.2f}, on as many labels", rows, seen)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=1000, help="windows of equal data; a fifth of it for each fault")
    for line in table(parser.parse_args().windows):
        print(line, flush=True)


def _row(name: str, rows: int, seen: list[set[str]]) -> str:
    return f"{name:<54} {rows:>6} {len(seen):>8} {sum(map(bool, seen)) / len(seen):>8.1%}"


def _tally(values: Floats, edges: Floats) -> tuple[int, ...]:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return tuple(int(count) for count in counts)


if __name__ == "__main__":
    main()
