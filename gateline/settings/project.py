"""What is modelled: project, data, model and metrics."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateline.settings.section import Section

NAME = r"^[a-z][a-z0-9-]{0,39}$"
IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*$"
TYPE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
WHOLE_DIGEST = r"^([0-9a-f]{64})?$"
HOST = r"^((unix|tcp|ssh)://.+)?$"
PATTERNS = {
    HOST: "an address that begins with unix://, tcp:// or ssh://, or nothing",
    NAME: "1 to 40 lower-case letters, digits and dashes, a letter first",
    IMPORT_PATH: "an import path such as 'sklearn.linear_model.Ridge' or a function such as 'model.estimators:logistic'",
    WHOLE_DIGEST: "64 hexadecimal digits, or nothing",
    TYPE: "the full name of a class or function, such as 'xgboost.core.Booster'",
    FUNCTION: "a function named as 'module:name', such as 'model.metrics:late_precision'",
}
"""What each pattern means, in words for messages and the reference."""

Name = Annotated[str, StringConstraints(pattern=NAME)]
Text = Annotated[str, StringConstraints(min_length=1)]
Reference = Annotated[str, StringConstraints(pattern=IMPORT_PATH)]
Function = Annotated[str, StringConstraints(pattern=FUNCTION)]
TypeName = Annotated[str, StringConstraints(pattern=TYPE)]
WholeDigest = Annotated[str, StringConstraints(pattern=WHOLE_DIGEST)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

CLASSIFICATION_METRICS = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "recall_at_fpr",
    "log_loss",
)
REGRESSION_METRICS = ("mae", "rmse", "r2")
METRICS = CLASSIFICATION_METRICS + REGRESSION_METRICS
MINIMIZED = ("log_loss", "mae", "rmse")
"""The metrics of which less is better."""


class Project(Section):
    """Whose line this is."""

    name: Name
    """Lower-case name; prefixes locks, sockets and registry keys, so that two copies share a host."""
    task: Literal["classification", "regression"] = "classification"
    """What the model predicts: classes (two or many) or a number."""


class Data(Section):
    """Where the rows are, and which columns have a part to play.

    Paths are fsspec URLs, CSV or Parquet, one file or a folder.
    """

    train: Text = "data/train.csv"
    """Rows to fit on."""
    test: Text = "data/test.csv"
    """Rows to judge on; later than the training rows where there is a time column."""
    sample_train: str = ""
    """Rows to fit on where secrets are missing (`GATELINE_SAMPLE`): a file of the repository; empty for `train`."""
    sample_test: str = ""
    """Rows to judge on where secrets are missing; empty for `test`."""
    schema_path: Text = Field(default="data/schema.json", alias="schema")
    """The schema file: one source for validation, requests, payloads and drift."""
    target: Text
    """The column to predict."""
    time: str = ""
    """The column that says when a row happened; empty if there is none."""
    group: str = ""
    """The column whose values must not stand in both train and test; empty if there is none."""
    labels: str = ""
    """Labels that arrive after the prediction, CSV or Parquet: `request_id`, target, `row` where a request held several."""
    label_delay_hours: Annotated[float, Field(ge=0.0)] = 0.0
    """Hours until a label is final: training rows younger than this, counted from the newest row, are left out."""


class Model(Section):
    """What is fitted."""

    estimator: Reference = "sklearn.ensemble.HistGradientBoostingClassifier"
    """Import path of an estimator class (fitted behind `model.features`), or a function `module:name` that builds one."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of everything random in training."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the estimator."""
    trusted: tuple[TypeName, ...] = ()
    """Types that a model file may name beyond scikit-learn's, numpy's and those of `model/`; `train` prints the line."""


class Metrics(Section):
    """What good means here."""

    primary: Text = "roc_auc"
    """The metric that candidate and champion are compared by: a known one, or the name of a custom one."""
    direction: Literal["maximize", "minimize"] = "maximize"
    """Whether more of the primary metric is better."""
    threshold: Share = 0.5
    """Probability from which a binary model says 'positive'."""
    positive: str | int | bool | None = None
    """The positive class of a binary target; the greater of the two classes where not set."""
    fixed_fpr: Share = 0.05
    """The false-positive rate at which `recall_at_fpr` is read."""
    custom: tuple[Function, ...] = ()
    """Metrics of your own: functions `module:name` taking (y_true, y_pred, y_score) and returning a number."""

    def known_names(self) -> tuple[str, ...]:
        """Return the names of every metric these settings compute."""
        return METRICS + self.custom_names()

    def custom_names(self) -> tuple[str, ...]:
        """Return the names of the custom metrics: the functions' own."""
        return tuple(reference.rpartition(":")[2] for reference in self.custom)
