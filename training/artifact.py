"""From a fitted estimator to the files of an artifact."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_bytes
from gateline.contracts.git import ask
from gateline.contracts.manifest import GOLDEN_FILE, METRICS_FILE, MODEL_FILE, REFERENCE_FILE, SCHEMA_FILE, Manifest, Objects
from gateline.registry.loaded import LoadedModel
from gateline.settings.errors import UsageError, explain, next_step_of
from gateline.settings.project import EVEN
from training.fitting import libraries, pack
from training.golden import golden_of
from training.identity import ROOT, Plan
from training.reference import reference_of
from training.rows import Labels, Split, refuse_swapped
from validation.metrics import Floats, Scored, compute_all

NONE = "nogit"


@dataclass(frozen=True)
class Candidate:
    """A model as it will be read everywhere, and what it says of the test rows."""

    model: LoadedModel
    data: bytes
    scores: Floats
    decided: list[Any]
    metrics: dict[str, float]


def measure(estimator: Any, plan: Plan, split: Split, labels: Labels) -> Candidate:
    """Pack a fitted estimator, read it back, and measure what was read on the test rows."""
    packed = pack(estimator, plan.settings.model.estimator)
    manifest = manifest_of(plan, split, labels, packed.trusted)
    model = LoadedModel(manifest, plan.schema, packed.estimator, {}, {})
    try:
        scores = model.score(split.test.features)
    except Exception as error:
        raise UsageError(
            f"the fitted model cannot score the test rows: {explain(error)}",
            next_step_of(error, "correct the estimator, or let the features take values that training did not hold"),
        ) from error
    flaw = model.flaw(scores, len(split.test))
    if flaw:
        told = f"the fitted model cannot be measured on the test rows: {flaw}"
        raise UsageError(told, "correct the estimator in model/, and train again")
    decided = model.decide(scores)
    if manifest.task != "binary" or manifest.threshold == EVEN:
        refuse_swapped(packed.estimator, labels, decided, split.test.features)
    settings = plan.settings.metrics
    scored = Scored.of(manifest.task, split.test.labels, scores, decided, labels.classes, settings.positive)
    metrics = compute_all(scored, settings)
    return Candidate(model, packed.data, scores, decided, metrics)


def files_of(measured: Candidate, split: Split) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and every other file of the artifact."""
    model, scores = measured.model, measured.scores
    tops = scores[:, model.manifest.positive_column] if model.manifest.task == "binary" else scores.max(axis=1)
    counts = Counter(measured.decided)
    labels = {str(label): counts[label] / len(measured.decided) for label in model.manifest.classes}
    reference = reference_of(split.train.features, model.schema, tops, labels)
    files = {
        MODEL_FILE: measured.data,
        SCHEMA_FILE: _json(model.schema.dump()),
        METRICS_FILE: _json(measured.metrics),
        REFERENCE_FILE: _json(reference.model_dump(mode="json")),
        GOLDEN_FILE: _json(golden_of(model)),
    }
    digests = {name: of_bytes(data) for name, data in files.items()}
    return model.manifest.model_copy(update={"files": digests, "metrics": measured.metrics}), files


def manifest_of(plan: Plan, split: Split, labels: Labels, trusted: tuple[str, ...] = ()) -> Manifest:
    """Return what is said of a model before it is measured and stored; `trusted` are the types its file names."""
    now, commit = datetime.now(UTC), commit_of(ROOT)
    return Manifest(
        identity=plan.identity,
        version=commit.version(now),
        inputs=plan.inputs,
        objects={role: rows for role, rows in plan.rows.items() if isinstance(rows, Objects)},
        files={},
        task=labels.task,
        target=plan.schema.target,
        features=tuple(column.name for column in plan.schema.features),
        classes=labels.classes,
        positive=labels.positive,
        threshold=plan.settings.metrics.threshold,
        trusted_types=trusted,
        libraries=libraries(trusted),
        settings=plan.resolved,
        created=now.isoformat(timespec="seconds"),
        commit=commit.sha,
        dirty=commit.dirty,
        train_rows=len(split.train),
        test_rows=len(split.test),
        train_period=split.period,
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Commit:
    """`sha` is empty without git; `dirty` says whether a tracked file differs from it."""

    sha: str = ""
    dirty: bool = False

    def version(self, now: datetime | None = None) -> str:
        """Return `YYYYMMDD-<7 of the sha>`, `YYYYMMDD-nogit` without git; `-dirty` follows where the tree is."""
        day = (now or datetime.now(UTC)).strftime("%Y%m%d")
        return f"{day}-{self.sha[:7] or NONE}" + ("-dirty" if self.dirty else "")


def commit_of(folder: Path) -> Commit:
    sha = ask(folder, "rev-parse", "--verify", "HEAD") or ""
    return Commit(sha, bool(ask(folder, "status", "--porcelain", "--untracked-files=no"))) if sha else Commit()
