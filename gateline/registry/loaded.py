"""A model read from verified files, and the one way to score rows with it, offline and online."""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import (
    GOLDEN_CROWD,
    GOLDEN_FILE,
    GOLDEN_TOLERANCE,
    MANIFEST_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    Manifest,
)
from gateline.contracts.schema import Column, Schema
from gateline.registry import trusted
from gateline.registry.artifacts import REPAIR
from gateline.settings.errors import GateRefused, explain

Rows = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]

WAYS: Mapping[str, Callable[[LoadedModel, Rows], Scores]] = {
    "once more": lambda model, rows: model.score(rows),
    "in reverse order": lambda model, rows: model.score(rows[::-1])[::-1],
    "one at a time": lambda model, rows: np.concatenate([model.score(row[np.newaxis]) for row in rows]),
    "among 1,000 rows": lambda model, rows: model.score(np.resize(rows, (GOLDEN_CROWD, rows.shape[1])))[: len(rows)],
}
"""How else the same rows are asked for; each returns their scores in the order of the rows."""
ROUNDING = 1e-6
"""How far a probability may lie outside 0 to 1, by single precision; a row may add up to ten times as far from 1."""
NEEDED = (MODEL_FILE, SCHEMA_FILE, GOLDEN_FILE, REFERENCE_FILE)


def encode(rows: Sequence[Sequence[Any]], schema: Schema) -> npt.NDArray[np.object_]:
    """Return rows of JSON values in schema order as an object array of shape (n, features).

    Numbers, integers and booleans become float (missing: NaN), datetimes POSIX seconds, strings stay (missing: None).
    Raises ValueError where a row is too long or too short, or a value is not of its column's type.
    """
    columns = schema.features
    encoded = np.empty((len(rows), len(columns)), dtype=object)
    for index, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"row {index} holds {len(row)} values; the schema has {len(columns)} features")
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            try:
                encoded[index, place] = _encode(column, value)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"row {index}: '{column.name}' is no {column.dtype}") from None
    return encoded


def _encode(column: Column, value: Any) -> float | str | None:
    if column.dtype == "string":
        return None if value is None else str(value)
    if value is None:
        return math.nan
    if column.dtype == "datetime" and isinstance(value, str):
        return _seconds(value)
    return float(value)


def _seconds(text: str) -> float:
    """A time without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def apart(scores: Scores, recorded: Scores) -> npt.NDArray[np.float64]:
    """Return how far each row's scores are from the recorded ones, shape (n,): absolute, of scores above 1 relative.

    Infinite where one of them is no number. Both have the same shape.
    """
    with np.errstate(invalid="ignore"):
        gaps = (np.abs(scores - recorded) / np.maximum(1.0, np.abs(recorded))).max(axis=1)
    return np.where(np.isfinite(gaps), gaps, np.inf)


def unsteady(model: LoadedModel, rows: Rows, scores: Scores) -> str:
    """Return how a model answers rows otherwise than with `scores`, which it gave them as one batch; nothing where it does
    not.

    Raises whatever the estimator raises.
    """
    decided = model.decide(scores) if model.manifest.classes else []
    for way, ask in WAYS.items():
        again = ask(model, rows)
        if again.shape != scores.shape:
            return f"asked {way}, the golden rows get scores of shape {again.shape}, as a batch {scores.shape}"
        gaps = apart(again, scores)
        if (off := int((gaps > GOLDEN_TOLERANCE).sum())) > 0:
            told = f"asked {way}, {off} of {len(rows)} golden rows score otherwise than as a batch"
            return f"{told}, by up to {gaps.max():.3g}"
        if (others := sum(one != other for one, other in zip(model.decide(again), decided))) > 0:
            return f"asked {way}, {others} of {len(rows)} golden rows are decided otherwise than as a batch"
    return ""


@dataclass(frozen=True)
class LoadedModel:
    """An estimator with the schema and manifest it belongs to."""

    manifest: Manifest
    schema: Schema
    estimator: Any
    golden: dict[str, Any]
    reference: dict[str, Any]

    def score(self, rows: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return probabilities of shape (n, classes), or predicted numbers of shape (n, 1), for rows of shape (n, features).

        Rows are in schema order: numbers as float with NaN for missing, strings as str with None for missing. The estimator
        gets a copy that it cannot write into. Raises whatever the estimator raises; `flaw` says whether the scores are any.
        """
        own = read_only(rows)
        if self.manifest.task == "regression":
            return _numbers(self.estimator.predict(own), "predict").reshape(-1, 1)
        return _numbers(self.estimator.predict_proba(own), "predict_proba")

    def flaw(self, scores: npt.NDArray[np.float64], rows: int) -> str:
        """Return in which way `scores` are no probabilities (or no numbers) of so many rows; nothing where they are."""
        classes = self.manifest.classes
        said, what = ("predict_proba", "probability") if classes else ("predict", "number")
        wanted = (rows, max(len(classes), 1))
        if scores.shape != wanted:
            columns = f": one column per class, in the order {', '.join(map(str, classes[:5]))}" if classes else ""
            return f"{said} gave scores of shape {scores.shape} for {rows:,} rows, expected {wanted}{columns}"
        broken = ~np.isfinite(scores).all(axis=1)
        if broken.any():
            return f"{said} gave {int(broken.sum()):,} of {rows:,} rows no finite {what}"
        return _improbable(scores) if classes else ""

    def decide(self, scores: npt.NDArray[np.float64]) -> list[Any]:
        """Return one label (or number) per row of `scores`; a binary model says 'positive' from the threshold on."""
        if self.manifest.task == "regression":
            return [float(value) for value in scores[:, 0]]
        classes = self.manifest.classes
        if self.manifest.task == "binary":
            column = self.positive_column
            return [
                classes[column] if score >= self.manifest.threshold else classes[1 - column]
                for score in scores[:, column]
            ]
        return [classes[index] for index in scores.argmax(axis=1)]

    @property
    def positive_column(self) -> int:
        """The column of the positive class in a binary model's scores."""
        classes, positive = self.manifest.classes, self.manifest.positive
        return classes.index(positive) if positive in classes else 1


def read_only(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy that cannot be written into: what one model changed would be changed for all that come after it."""
    own = rows.copy()
    own.flags.writeable = False
    return own


def _numbers(answered: Any, by: str) -> npt.NDArray[np.float64]:
    try:
        if np.iscomplexobj(answered):
            raise ValueError("they are complex")
        return np.asarray(answered, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"what {by} returned, a {type(answered).__name__}, is no array of numbers: {error}") from error


def _improbable(scores: npt.NDArray[np.float64]) -> str:
    rows = len(scores)
    outside = ((scores < -ROUNDING) | (scores > 1 + ROUNDING)).any(axis=1)
    if outside.any():
        worst = scores[outside].flat[int(np.abs(scores[outside] - 0.5).argmax())]
        told = f"{int(outside.sum()):,} of {rows:,} rows a probability outside 0 to 1, such as {worst:.6g}"
        return f"predict_proba gave {told}"
    sums = scores.sum(axis=1)
    off = np.abs(sums - 1) > ROUNDING * max(10, scores.shape[1])
    if off.any():
        told = f"{int(off.sum()):,} of {rows:,} rows probabilities that add up to {sums[off][0]:.6g}, not to 1"
        return f"predict_proba gave {told}"
    return ""


def load_files(files: Mapping[str, bytes], by_hand: Collection[str] = ()) -> LoadedModel:
    """Verify and load an artifact's files, as of `Artifacts.files`.

    `by_hand` are types that may be loaded beyond our own list and what this process's `model/` defines: `[model] trusted` of
    the checkout, or of the bundle. What the manifest says of types decides nothing.
    Raises GateRefused naming the rule: `digest`, `env_lock` or `unsafe_load`.
    """
    manifest = _manifest(files)
    for name in sorted({*manifest.files, *NEEDED}):
        if name not in files or of_bytes(files[name]) != manifest.files.get(name):
            raise GateRefused(f"{name} of {manifest.version} is not the file that was written", REPAIR, rule="digest")
    _refuse_other_libraries(manifest)
    return LoadedModel(
        manifest=manifest,
        schema=schemas.parse(json.loads(files[SCHEMA_FILE]), SCHEMA_FILE),
        estimator=_estimator(files[MODEL_FILE], by_hand),
        golden=json.loads(files[GOLDEN_FILE]),
        reference=json.loads(files[REFERENCE_FILE]),
    )


def load_folder(folder: Path, by_hand: Collection[str] = ()) -> LoadedModel:
    """Verify and load an artifact that lies unpacked in a folder, as `load_files` does."""
    return load_files({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, by_hand)


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    try:
        return Manifest.model_validate_json(files[MANIFEST_FILE])
    except KeyError:
        raise GateRefused(f"{MANIFEST_FILE} is missing: this is no artifact", REPAIR, rule="digest") from None
    except ValidationError as error:
        raise GateRefused(f"{MANIFEST_FILE} is not readable: {error.errors()[0]['msg']}", REPAIR, rule="digest") from None


def _estimator(model: bytes, by_hand: Collection[str]) -> Any:
    """Load with skops: no code of the file runs, and only types of our own list are allowed."""
    import skops.io

    try:
        named = trusted.types_of(model)
    except Exception as error:
        raise GateRefused(
            f"{MODEL_FILE} is not a skops file ({explain(error)}); it was not loaded", REPAIR, rule="unsafe_load"
        ) from None
    own = trusted.own_names(trusted.own_sources()) if any(name.startswith("model.") for name in named) else ()
    strangers = trusted.strangers(named, own, by_hand)
    if strangers:
        raise GateRefused(
            f"{MODEL_FILE} names {', '.join(strangers[:3])}, which may not be loaded; it was not loaded",
            trusted.advice(strangers, by_hand), rule="unsafe_load",
        )
    try:
        return skops.io.loads(model, trusted=named)
    except Exception as error:
        raise GateRefused(
            f"{MODEL_FILE} could not be loaded: {type(error).__name__}: {error}",
            "see that `model/` still holds what the model is made of, then train again", rule="unsafe_load",
        ) from error


def _refuse_other_libraries(manifest: Manifest) -> None:
    for name, version in manifest.libraries.items():
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            here = "not installed"
        if here != version:
            raise GateRefused(
                f"{manifest.version} was trained with {name} {version}, here is {here}",
                "use the release's own environment", rule="env_lock",
            )
