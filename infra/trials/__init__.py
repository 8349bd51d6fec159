"""The stages that judge a running release before it is deployed anywhere."""

from infra.trials.benchmark import Benchmark
from infra.trials.integration import Integration
from infra.trials.trial import Subject, Trial

TRIALS: dict[str, Trial] = {"integration": Integration(), "benchmark": Benchmark()}

__all__ = ["TRIALS", "Subject", "Trial"]
