"""Train a first model and say how good it is, before anything is stored: `invoke new` proposes limits from it.

python -m training.first        in a project's folder; prints JSON
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

from settings import Settings, load
from settings.errors import front_door


@dataclass(frozen=True)
class First:
    """What a first model reached on the test rows, and what a constant answer reaches there."""

    metrics: dict[str, float]
    constant: dict[str, float]
    doubt: str
    """Why it is not shown to beat a constant answer; empty where it is."""
    features: tuple[str, ...]


def first_model(settings: Settings) -> First:
    """Fit what the settings name to the training rows and measure it on the test rows; nothing is stored.

    Raises UsageError where settings, data and estimator do not go together.
    """
    import numpy as np

    from contracts.verdict import Outcome
    from training import artifact, estimators, fitting, labels, rows
    from training.identity import plan
    from validation.evidence import Evidence, Golden
    from validation.metrics import compute_all
    from validation.model_rules.baseline import baseline, constant
    from validation.scored import Scored

    planned = plan(settings)
    split = rows.read(settings.data, planned.schema, planned.rows)
    meaning = labels.labels_of(split, settings)
    fitted = fitting.fit(estimators.build(settings.model, planned.schema, settings.project.task), split.train, settings.model)
    labels.refuse_other_classes(fitted, meaning)
    measured = artifact.measure(fitted, planned, split, meaning)
    about = meaning.task, split.test.labels, measured.scores, measured.decided, meaning.classes, meaning.positive
    scored, none = Scored.of(*about), np.empty((0, 1))
    evidence = Evidence(scored, Golden(none, none, (), ()), settings.gates.model, settings.metrics)
    doubts = [rule.reason for rule in baseline(evidence) if rule.outcome is not Outcome.PASS]
    names = tuple(column.name for column in planned.schema.features)
    return First(measured.metrics, compute_all(constant(scored), settings.metrics), "; ".join(doubts), names)


def main() -> int:
    """Print what a first model reaches as JSON."""
    argparse.ArgumentParser(
        prog="python -m training.first", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(json.dumps(asdict(first_model(load()))))
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
