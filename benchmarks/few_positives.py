"""How often an equal model is shown to be no worse, by positives among the test rows, with the margin that copies get.

Run it with `python -m benchmarks.few_positives`; it needs scikit-learn (the environment of the tests has it).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier

from gateline.settings import Metrics, ModelGate
from template.adopting.limits import MARGIN, margin_of
from validation.metrics import Floats, Labels, Scored, measure
from validation.model.bootstrap import Difference, difference

SHARE = 0.03
ROWS = 60_000
SEPARATIONS = (0.6, 1.0, 1.5)
METRICS = Metrics(primary="average_precision")


def pairs(positives: int, count: int, seed: int = 0) -> Iterator[Difference]:
    """Fit pairs of models, each on four fifths of the same rows, and compare them on about so many positives."""
    random, tested = np.random.default_rng(seed), int(positives / SHARE)
    for place in range(count):
        x, y = make_classification(
            ROWS, 20, n_informative=8, n_redundant=4, weights=[1 - SHARE], flip_y=0.02,
            class_sep=SEPARATIONS[place % len(SEPARATIONS)], random_state=seed + place,
        )  # fmt: skip
        train, test = np.arange(tested, min(tested + max(2 * tested, 4000), ROWS)), np.arange(tested)
        drawn = [random.choice(train, int(0.8 * len(train)), replace=False) for _ in range(2)]
        first, second = (_scored(x[rows], y[rows], x[test], y[test]) for rows in drawn)
        found = difference(lambda rows: measure("average_precision", rows, METRICS), first, second)
        if found is not None:
            yield found


def table(count: int) -> Iterator[str]:
    """Yield the table line by line."""
    confidence = ModelGate().confidence
    yield "| positives among the test rows | pairs | proposed margin | shown with it | shown with 0.02 |"
    yield "|---|---|---|---|---|"
    for positives in (50, 100, 200, 400):
        bounds = np.array([found.lower(confidence) for found in pairs(positives, count)])
        margin = margin_of("rare", positives)
        shown, plain = (float((bounds >= -allowed).mean()) for allowed in (margin, MARGIN))
        yield f"| {positives} | {len(bounds)} | {margin:.2f} | {shown:.0%} | {plain:.0%} |"


def _scored(x: Floats, y: Labels, test: Floats, truth: Labels) -> Scored:
    model = HistGradientBoostingClassifier(random_state=0).fit(x, y)
    scores = model.predict_proba(test)
    return Scored.of("binary", truth, scores, scores[:, 1] > 0.5, (0, 1), 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60, help="pairs of models for each number of positives")
    for line in table(parser.parse_args().pairs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
