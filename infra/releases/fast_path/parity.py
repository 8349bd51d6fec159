"""The rule `parity`: a scorer answers as scikit-learn does, on golden rows, test rows and rows that hit what decides."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gateline.contracts.manifest import GOLDEN_TOLERANCE
from gateline.registry.loaded import LoadedModel, Rows, apart
from infra.releases.fast_path.writer import NotCoveredError

BATCH = 1_000
TIMED = 200
"""Rows that are scored one by one to say how long a row takes."""
Score = Callable[[list[Any]], list[float]]


@dataclass
class Parity:
    """What was compared so far."""

    model: LoadedModel
    score: Score
    compared: dict[str, int] = field(default_factory=dict)
    """Rows by where they are from."""
    worst: float = 0.0
    """The largest difference of two scores; of scores above 1, in units of scikit-learn's."""

    def compare(self, kind: str, rows: Rows) -> None:
        """Compare rows of shape (n, features). Raises NotCoveredError, which names the first that differs."""
        self.compared[kind] = self.compared.get(kind, 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that training never saw are what is asked for
            for batch in (rows[start : start + BATCH] for start in range(0, len(rows), BATCH)):
                self._compare(kind, batch)
                self.compared[kind] += len(batch)

    def microseconds(self, rows: Rows) -> tuple[float, float]:
        """Return how long a row takes the scorer and scikit-learn, each asked for one row at a time (median)."""
        few = [row for row in rows[:TIMED]]
        lists = [row.tolist() for row in few]
        return _median(self.score, lists), _median(lambda row: self.model.score(row[np.newaxis]), few)

    def _compare(self, kind: str, rows: Rows) -> None:
        try:
            expected = self.model.score(rows)
        except Exception:
            self._one_by_one(kind, rows)
        else:
            self._judge(kind, rows, expected)

    def _one_by_one(self, kind: str, rows: Rows) -> None:
        """Where scikit-learn refuses a row, the scorer must not answer it."""
        for row in rows:
            try:
                expected = self.model.score(row[np.newaxis])
            except Exception as error:
                self._refuse_answer(kind, row, error)
            else:
                self._judge(kind, row[np.newaxis], expected)

    def _refuse_answer(self, kind: str, row: Any, error: Exception) -> None:
        try:
            scores = self.score(row.tolist())
        except Exception:
            return
        if np.isfinite(scores).all():
            raise NotCoveredError(f"parity: of {kind} rows, it scores one that scikit-learn refuses ({type(error).__name__})")

    def _judge(self, kind: str, rows: Rows, expected: Any) -> None:
        try:
            scores = np.asarray([self.score(row) for row in rows.tolist()], dtype=np.float64)
        except Exception as error:
            raise NotCoveredError(f"parity: of {kind} rows, it cannot score one: {type(error).__name__}: {error}") from error
        if self.model.flaw(expected, len(expected)):  # what scikit-learn says here is no answer either
            broken = ~np.isfinite(expected).all(axis=1)
            scores, expected = scores[~broken], expected[~broken]
        if scores.shape != expected.shape:
            raise NotCoveredError(f"parity: its scores have shape {scores.shape}, scikit-learn's {expected.shape}")
        if not len(scores):
            return
        self.worst = max(self.worst, float(apart(scores, expected).max()))
        if self.worst > GOLDEN_TOLERANCE:
            raise NotCoveredError(f"parity: of {kind} rows, one scores otherwise than in scikit-learn, by {self.worst:.3g}")
        if self.model.manifest.classes and self.model.decide(scores) != self.model.decide(expected):
            raise NotCoveredError(f"parity: of {kind} rows, one is decided otherwise than by scikit-learn")


def loaded(text: str) -> Score:
    """Return what a scorer defines."""
    variables: dict[str, Any] = {"__name__": "scorer"}
    exec(compile(text, "scorer.py", "exec"), variables)  # nosec B102: written by `written`, where every value is a literal
    score: Score = variables["score"]
    return score


def _median(score: Callable[[Any], Any], rows: Sequence[Any]) -> float:
    times = []
    for row in rows:
        begun = time.perf_counter()
        try:
            score(row)
        except Exception:
            continue
        times.append(time.perf_counter() - begun)
    return 1e6 * float(np.median(times)) if times else float("nan")
