"""A model by the Python that was generated from it: scored with neither numpy nor the estimator, nothing unpickled."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from gateline.contracts.encoding import Encoded
from gateline.contracts.scores import Flawed, flaw, is_sound, misshapen
from gateline.registry.verified import Verified, verify
from gateline.settings.errors import GateRefused

ScoreRow = Callable[[Encoded], list[float]]
"""One encoded row to the probabilities in the order of the manifest's classes, or to the predicted number alone."""


@dataclass(frozen=True)
class GeneratedModel(Verified):
    """The scorer of a release with a fast path, and the artifact that it was generated from."""

    score_row: ScoreRow

    def scores(self, rows: Sequence[Encoded]) -> list[list[float]]:
        """Return the scores of encoded rows, one list a row. Raises Flawed, and what the scorer raises."""
        score_row, classes = self.score_row, self.manifest.classes
        scores, width = [score_row(row) for row in rows], len(classes) or 1
        for row in scores:
            if len(row) != width:
                raise Flawed(misshapen((len(rows), len(row)), len(rows), classes))
            if not (is_sound(row) if classes else isfinite(row[0])):
                raise Flawed(flaw(scores, classes))
        return scores


def load_generated(files: Mapping[str, bytes], scorer: Path) -> GeneratedModel:
    """Verify an artifact's files, the model's among them, and load the scorer, which the digest of the bundle covers.

    Raises GateRefused (rule `digest`) for changed files, and for a scorer that is not there or is none.
    """
    verified = verify(files)
    spec = importlib.util.spec_from_file_location("gateline_scorer", scorer)
    if spec is None or spec.loader is None or not scorer.is_file():
        raise GateRefused(f"the bundle holds no {scorer.name}", "build the release again", rule="digest")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    score_row: ScoreRow | None = getattr(module, "score", None)
    if not callable(score_row):
        raise GateRefused(f"{scorer.name} defines no function 'score'", "build the release again", rule="digest")
    return GeneratedModel(verified.manifest, verified.schema, verified.golden, verified.reference, score_row)
