"""From a fitted estimator to the files of an artifact."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.digest import of_bytes
from gateline.contracts.git import ask
from gateline.contracts.manifest import (
    GOLDEN_FILE,
    METRICS_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    Manifest,
    Objects,
)
from gateline.registry.loaded import LoadedModel
from gateline.settings.errors import UsageError, explain, next_step_of
from training.fitting import libraries, pack
from training.golden import golden_of
from training.identity import ROOT, Plan
from training.labels import Labels, refuse_swapped
from training.reference import reference_of
from training.rows import Rows, Split
from validation.metrics import compute

CORRECT = "correct the estimator in model/, and train again"
NONE = "nogit"


@dataclass(frozen=True)
class Measured:
    """A model as it will be read everywhere, and what it says of the test rows."""

    model: LoadedModel
    data: bytes
    scores: npt.NDArray[np.float64]
    decided: list[Any]
    metrics: dict[str, float]


def measure(estimator: Any, plan: Plan, split: Split, labels: Labels) -> Measured:
    """Pack a fitted estimator, read it back, and measure what was read on the test rows."""
    packed = pack(estimator, plan.settings.model.estimator)
    manifest = manifest_of(plan, split, labels, packed.trusted)
    model = LoadedModel(manifest, plan.schema, packed.estimator, {}, {})
    scores = _scores(model, split.test)
    decided = model.decide(scores)
    if manifest.task != "binary" or manifest.threshold == 0.5:
        refuse_swapped(packed.estimator, labels, decided, split.test.features)
    metrics = compute(manifest.task, split.test.labels, scores, decided, labels.classes, plan.settings.metrics)
    return Measured(model, packed.data, scores, decided, metrics)


def files_of(measured: Measured, split: Split) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and every other file of the artifact."""
    model = measured.model
    tops = measured.scores[:, model.positive_column] if model.manifest.task == "binary" else measured.scores.max(axis=1)
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


def _scores(model: LoadedModel, rows: Rows) -> npt.NDArray[np.float64]:
    try:
        scores = model.score(rows.features)
    except Exception as error:
        raise UsageError(
            f"the fitted model cannot score the test rows: {explain(error)}",
            next_step_of(error, "correct the estimator, or let the features take values that training did not hold"),
        ) from error
    flaw = model.flaw(scores, len(rows))
    if flaw:
        raise UsageError(f"the fitted model cannot be measured on the test rows: {flaw}", CORRECT)
    return scores


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
    """Return the commit of a folder's work tree; an empty one where there is no git or no commit."""
    sha = ask(folder, "rev-parse", "--verify", "HEAD") or ""
    return Commit(sha, bool(ask(folder, "status", "--porcelain", "--untracked-files=no"))) if sha else Commit()
