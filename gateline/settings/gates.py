"""The tables [gates.<gate>]: the rules that run, those that must have judged, and the limits they judge by."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateline.settings.errors import did_you_mean
from gateline.settings.section import Count, NotNegative, Positive, Section, Share, WholeDigest

DataRule = Literal[
    "format", "encoding", "columns", "dtype", "row_count", "nulls", "range", "category", "pattern", "unique", "sentinel",
    "column_swap", "leak.rows", "leak.group", "leak.time", "leak.target",
]  # fmt: skip
ModelRule = Literal["limits", "baseline", "champion_digest", "noninferiority", "golden", "too_good"]
BenchmarkRule = Literal["identity", "p50", "p95", "p99", "errors", "rate"]
CanaryRule = Literal["traffic", "identity", "split", "restarts", "errors", "latency", "tail", "memory", "predictions"]
DriftRule = Literal["traffic", "drift.column", "drift.prediction", "performance"]
SecurityRule = Literal[
    "vulnerabilities", "secrets", "code", "workflow", "dockerfile", "image_policy", "digest", "unsafe_load", "locks", "sbom",
    "image_sbom",
]  # fmt: skip


class Gate(Section):
    """Rules in the order they are judged. A rule in `required` that cannot judge makes the gate inconclusive."""

    @model_validator(mode="after")
    def _required_rules_run(self) -> Self:
        rules, required = getattr(self, "rules"), getattr(self, "required")
        for key, names in (("rules", rules), ("required", required)):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise ValueError(f"{key} names '{twice[0]}' twice")
        absent = [name for name in required if name not in rules]
        if absent:
            raise ValueError(f"required names '{absent[0]}', which is not in rules{did_you_mean(absent[0], rules)}")
        return self


class DataGate(Gate):
    """Limits of `validate_data`."""

    rules: Annotated[tuple[DataRule, ...], Field(min_length=1)] = DataRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[DataRule, ...] = ("format", "columns", "dtype", "row_count", "nulls")
    """Rules that must judge; if one cannot, the gate is inconclusive."""
    min_rows: Count = 100
    """The smallest number of rows, in each of train and test."""
    min_row_share: Share = 0.7
    """The smallest number of rows, as a share of those under the same URL when it last passed."""
    max_shared_rows: Share = 0.01
    """The largest share of test rows that may also be in train, identical."""
    max_label_r2: Share = 0.9
    """The largest R² with which a single column may explain a target of two classes."""
    max_flag_r2: Share = 0.7
    """The same for a column that itself has two values: a copy with one label in twenty changed has about 0.8."""
    max_column_auc: Share = 0.99
    """The largest ROC AUC with which a single column may rank two classes; 1 allows any."""
    max_column_told: Share = 0.99
    """The largest share of a constant answer's wrong labels that intervals of one column may get right; 1 allows any."""
    max_target_r2: Share = 0.97
    """The largest R² with which a single column may explain a number, or a target of many classes."""
    hashes_mb: Count = 16
    """Megabytes of memory for the hashes of rows that each comparison (duplicates, leaks) needs; more are kept in temporary
    files."""


class ModelGate(Gate):
    """Limits of `validate_model`. A limit that is not set is not judged."""

    rules: Annotated[tuple[ModelRule, ...], Field(min_length=1)] = ModelRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[ModelRule, ...] = ("limits", "baseline", "golden")
    """Rules that must judge; if one cannot, the gate is inconclusive."""
    min_rows: Count = 200
    """The smallest number of test rows; with fewer the outcome is inconclusive."""
    min_accuracy: Share | None = None
    """Lowest accuracy."""
    min_precision: Share | None = None
    """Lowest weighted precision."""
    min_recall: Share | None = None
    """Lowest weighted recall."""
    min_f1: Share | None = None
    """Lowest weighted F1."""
    min_roc_auc: Share | None = None
    """Lowest area under the ROC curve (one-vs-rest, weighted, for many classes)."""
    min_average_precision: Share | None = None
    """Lowest average precision."""
    min_recall_at_fpr: Share | None = None
    """Lowest recall at the fixed false-positive rate."""
    max_log_loss: Positive | None = None
    """Largest log loss."""
    max_mae: Positive | None = None
    """Largest mean absolute error (regression, units of the target)."""
    max_rmse: Positive | None = None
    """Largest root mean squared error (regression, units of the target)."""
    min_r2: Annotated[float, Field(le=1.0)] | None = None
    """Lowest R² (regression)."""
    custom_min: dict[str, float] = Field(default_factory=dict)
    """Lowest value of each custom metric, by name."""
    custom_max: dict[str, float] = Field(default_factory=dict)
    """Largest value of each custom metric, by name."""
    margin: NotNegative = 0.02
    """How much worse than the champion the primary metric may be (relative to the champion's value for minimized metrics)."""
    proper_margin: NotNegative = 0.1
    """How much worse than the champion's a proper score may be, as a share of it: log loss, or of numbers the other of squared
    and absolute error. It shows what a ranking or a share of right answers hides."""
    max_explained: Share = 0.99
    """Largest share of a constant answer's error (squared error of a number, wrong answers of classes) that is believed of a
    model, or of one column: above it, a feature is taken to give the target away. 1 where all of it is known in time."""
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    """Confidence of the one-sided non-inferiority test."""
    accept_champion: WholeDigest = ""
    """The digest of a champion that you vouch for by hand, as with `--accept-champion`, for CI; for that one only."""


class BenchmarkGate(Gate):
    """Limits of `benchmark`: what a release must achieve under load on the machine that tests it."""

    rules: Annotated[tuple[BenchmarkRule, ...], Field(min_length=1)] = BenchmarkRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[BenchmarkRule, ...] = ("identity", "p95", "errors")
    """Rules that must judge; if one cannot, the gate is inconclusive."""
    min_requests: Count = 200
    """The smallest number of requests; with fewer the outcome is inconclusive."""
    max_p50_ms: Positive = 100.0
    """Largest median latency in milliseconds."""
    max_p95_ms: Positive = 200.0
    """Largest 95th percentile of latency in milliseconds."""
    max_p99_ms: Positive = 500.0
    """Largest 99th percentile of latency in milliseconds."""
    max_error_share: Share = 0.0
    """Largest share of requests that may fail."""
    min_rate_share: Share = 0.8
    """Smallest share of the intended request rate that must be reached (not judged when the load has no intended rate)."""


class CanaryGate(Gate):
    """Limits of `canary`: candidate against stable, both live."""

    rules: Annotated[tuple[CanaryRule, ...], Field(min_length=1)] = CanaryRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[CanaryRule, ...] = (
        "traffic", "identity", "split", "restarts", "errors", "latency", "tail", "predictions",
    )  # fmt: skip
    """Rules that must judge: if there is too little traffic for one of them, the canary is held, not promoted."""
    min_requests: Count = 200
    """How many requests the canary must have answered before it can be promoted."""
    max_restarts: Annotated[int, Field(ge=0)] = 1
    """How often the canary may crash and be restarted before it is rolled back; one that crashed at all is held."""
    max_error_increase: Share = 0.01
    """How much larger than stable's the canary's share of errors may be: 5xx answers, answers without a prediction, failed
    connections, and 4xx answers that stable would not have given."""
    max_latency_ratio: Annotated[float, Field(gt=1.0)] = 1.25
    """The largest ratio of the canary's mean latency to stable's; requests are capped at about four times stable's median."""
    warmup_requests: Annotated[int, Field(ge=0)] = 20
    """The canary's first answers, which `latency`, `tail` and `memory` leave out, because a cold start is slow."""
    max_tail_increase: Share = 0.03
    """How much larger than stable's the canary's share of answers may be that take longer than stable's p99 times
    `max_latency_ratio`."""
    max_memory_ratio: Annotated[float, Field(gt=1.0)] = 1.5
    """The largest ratio of the memory of a canary's process to that of a new process of stable."""
    max_memory_growth: Positive = 0.35
    """How much further than stable's a canary's process may grow while it is watched, as a share of what it began with."""
    max_prediction_shift: Share = 0.1
    """Largest distance between the two distributions of predictions (total variation, 0 to 1)."""
    max_prediction_ratio: Annotated[float, Field(gt=1.0)] = 2.5
    """The largest factor by which the share of one label may grow or shrink, for rare labels, which cannot shift by much."""
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.01
    """The chance of a false alarm over the whole canary, no matter how often it is judged."""


class DriftGate(Gate):
    """Limits of `drift`: live inputs and predictions against the artifact's reference."""

    rules: Annotated[tuple[DriftRule, ...], Field(min_length=1)] = DriftRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[DriftRule, ...] = ("traffic", "drift.column")
    """Rules that must judge; if one cannot, the gate is inconclusive."""
    min_rows: Count = 500
    """The smallest number of live rows; with fewer the outcome is inconclusive."""
    max_psi: Positive = 0.04
    """The largest population stability index of a column or of the predictions, less sampling noise: 0.3 σ is about 0.09."""
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.01
    """The chance that one window of unchanged data counts as drifted, over all columns and the predictions together."""
    ignored: tuple[str, ...] = ()
    """Columns that are not judged, such as those that follow the calendar within a window."""
    min_labels: Count = 200
    """The smallest number of labels that have arrived; with fewer, `performance` is inconclusive."""
    max_metric_drop: NotNegative = 0.05
    """How much worse than in training the primary metric may be on labels that have arrived."""


class SecurityGate(Gate):
    """What `security` scans. There are no limits: one finding fails the rule."""

    rules: Annotated[tuple[SecurityRule, ...], Field(min_length=1)] = SecurityRule.__args__  # type: ignore[attr-defined]
    """The rules that run."""
    required: tuple[SecurityRule, ...] = (
        "secrets", "code", "workflow", "image_policy", "digest", "unsafe_load", "locks", "sbom", "image_sbom",
    )  # fmt: skip
    """The rules that must have judged, those of images where an environment runs containers. Add `vulnerabilities`, needing
    a database on the network, where there is one."""
    accepted_vulnerabilities: tuple[str, ...] = ()
    """Identifiers of known vulnerabilities that are accepted, such as `PYSEC-2021-142`."""
    osv_url: str = ""
    """The query address of an OSV database; empty for the one that pip-audit uses by default."""


class Gates(Section):
    """All gates."""

    data: DataGate = DataGate()
    """Limits of `validate_data`."""
    model: ModelGate = ModelGate()
    """Limits of `validate_model`."""
    benchmark: BenchmarkGate = BenchmarkGate()
    """Limits of `benchmark`."""
    canary: CanaryGate = CanaryGate()
    """Limits of `canary`."""
    drift: DriftGate = DriftGate()
    """Limits of `drift`."""
    security: SecurityGate = SecurityGate()
    """What `security` scans."""
