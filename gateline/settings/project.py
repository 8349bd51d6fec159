"""The tables [project], [data], [model] and [metrics]: what is modelled."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from gateline.settings.section import Function, Name, NotNegative, Reference, Section, Share, Text, TypeName


class Metric(NamedTuple):
    """What is known of a metric before it is measured; `validation/metrics.py` computes it."""

    task: Literal["classification", "regression"]
    minimized: bool = False
    """Whether less of it is better."""
    ranks: bool = False
    """Whether it needs probabilities; the others need the decided labels or numbers alone."""
    least: float = 0.0
    most: float = 1.0


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("classification"),
    "precision": Metric("classification"),
    "recall": Metric("classification"),
    "f1": Metric("classification"),
    "roc_auc": Metric("classification", ranks=True),
    "average_precision": Metric("classification", ranks=True),
    "recall_at_fpr": Metric("classification", ranks=True),
    "log_loss": Metric("classification", minimized=True, ranks=True, most=math.inf),
    "mae": Metric("regression", minimized=True, most=math.inf),
    "rmse": Metric("regression", minimized=True, most=math.inf),
    "r2": Metric("regression", least=-math.inf),
}
"""Every metric that is known by name, the one list of them."""
MINIMIZED = tuple(name for name, metric in METRICS.items() if metric.minimized)
EVEN = 0.5
"""The threshold from which the likelier of two classes is answered."""


class Project(Section):
    """What this project is called, and what it predicts."""

    name: Name
    """Lower-case name; prefixes locks, sockets and registry keys, so that two copies can share a host."""
    task: Literal["classification", "regression"] = "classification"
    """What the model predicts: classes (two or many) or a number."""


class Data(Section):
    """Where the rows are, and which columns have a role.

    Paths are fsspec URLs, CSV or Parquet, one file or a folder.
    """

    train: Text = "data/train.csv"
    """Rows to fit on."""
    test: Text = "data/test.csv"
    """Rows to judge on; later than the training rows if there is a time column."""
    sample_train: str = ""
    """Rows to fit on without secrets (`GATELINE_SAMPLE`): a file of the repository; empty for `train`."""
    sample_test: str = ""
    """Rows to judge on without secrets; empty for `test`."""
    schema_path: Text = Field(default="data/schema.json", alias="schema")
    """The schema file, which validation, requests, payloads and drift all read."""
    target: Text
    """The column to predict."""
    time: str = ""
    """The column that says when a row happened; empty if there is none."""
    group: str = ""
    """The column whose values must not be in both train and test; empty if there is none."""
    labels: str = ""
    """Labels that arrive after the prediction, CSV or Parquet: `request_id`, target, and `row` if a request had several."""
    label_delay_hours: NotNegative = 0.0
    """Hours until a label is final: training rows younger than this, counted from the newest row, are left out."""


class Model(Section):
    """What is fitted."""

    estimator: Reference = "sklearn.ensemble.HistGradientBoostingClassifier"
    """Import path of an estimator class (fitted after `model.features`), or a function `module:name` that builds one."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed for everything random in training."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the estimator."""
    trusted: tuple[TypeName, ...] = ()
    """Types that a model file may name in addition to scikit-learn's, numpy's and those of `model/`; `train` prints them."""


class Metrics(Section):
    """How models are compared, and how a score becomes a decision."""

    primary: Text = "roc_auc"
    """The metric that compares candidate and champion: a known one, or the name of a custom one."""
    direction: Literal["maximize", "minimize"] = "maximize"
    """Whether the primary metric should be large (`maximize`) or small (`minimize`)."""
    threshold: Share = EVEN
    """A binary model predicts the positive class at or above this probability."""
    positive: str | int | bool | None = None
    """The positive class of a binary target; the greater of the two classes if not set."""
    fixed_fpr: Share = 0.05
    """The false-positive rate at which `recall_at_fpr` is measured."""
    custom: tuple[Function, ...] = ()
    """Metrics of your own: functions `module:name` taking (y_true, y_pred, y_score) and returning a number."""

    def names(self, task: str) -> tuple[str, ...]:
        """Return the names of the metrics of a task, the custom ones last; all but `regression` are classification."""
        kind = "regression" if task == "regression" else "classification"
        return (*(name for name, metric in METRICS.items() if metric.task == kind), *self.custom_names())

    def minimized(self, name: str) -> bool:
        """Say whether less of a metric is better; of the primary one, `direction` says it."""
        if name == self.primary:
            return self.direction == "minimize"
        return name in METRICS and METRICS[name].minimized

    def custom_names(self) -> tuple[str, ...]:
        """Return the names of the custom metrics: the functions' own."""
        return tuple(reference.rpartition(":")[2] for reference in self.custom)
